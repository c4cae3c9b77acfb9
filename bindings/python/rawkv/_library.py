"""Finds librawkv.so, loads it once, and turns its codes into errors."""

from __future__ import annotations

import ctypes
import os
import pathlib
import threading

from . import _abi
from .errors import LibraryError, error_of

# The oldest interface that has every function of this package. A newer library has them, too: functions and fields are
# only added while the number in the name of the file, librawkv.so.0, stays.
ABI_VERSION_MIN = 1
SONAME = "librawkv.so.0"

_lock = threading.Lock()
_library: ctypes.CDLL | None = None
_library_with_gil: ctypes.PyDLL | None = None


def candidates() -> list[str]:
    """Where the library may be, in the order in which the places are tried.

    The environment variable RAWKV_LIBRARY counts alone. Otherwise: the directory of this package, into which a wheel
    puts the library, and then the names that the system's loader knows.
    """
    named = os.environ.get("RAWKV_LIBRARY")
    if named:
        return [named]
    package = pathlib.Path(__file__).resolve().parent
    return [*(str(path) for path in (package / SONAME, package / "librawkv.so") if path.exists()), SONAME, "librawkv.so"]


def _load() -> ctypes.CDLL:
    failures = []
    for path in candidates():
        try:
            library = ctypes.CDLL(path)
        except OSError as error:
            failures.append(f"{path}: {error}")
            continue
        return _checked(library, path)
    raise LibraryError("cannot load librawkv.so. Install the package librawkv0, or name the file in the environment "
                       "variable RAWKV_LIBRARY. Tried: " + "; ".join(failures))


def _checked(library: ctypes.CDLL, path: str) -> ctypes.CDLL:
    try:
        version = library.rawkv_abi_version
    except AttributeError:
        raise LibraryError(f"{path} is not the library rawkv: it has no function rawkv_abi_version") from None
    version.restype = ctypes.c_uint32
    version.argtypes = ()
    found = version()
    if found < ABI_VERSION_MIN:
        raise LibraryError(f"{path} has version {found} of the C interface, and this package needs {ABI_VERSION_MIN} "
                           "or later. Install a newer librawkv")
    try:
        _abi.declare(library)
    except AttributeError as error:
        raise LibraryError(f"{path} has version {found} of the C interface, but lacks a function: {error}") from None
    return library


def library() -> ctypes.CDLL:
    """The library, with all functions declared. The first call loads it. LibraryError: it is missing or does not fit.
    Thread-safe."""
    global _library
    if _library is None:
        with _lock:
            if _library is None:
                _library = _load()
    return _library


def library_with_gil() -> ctypes.PyDLL:
    """The same library, but a call keeps Python's global lock. Only for calls that are short and never wait: no
    function of the library calls back into Python, so a call that waits would stop every other thread. Thread-safe."""
    global _library_with_gil
    loaded = library()
    with _lock:
        if _library_with_gil is None:
            _library_with_gil = ctypes.PyDLL(loaded._name, handle=loaded._handle)
            _abi.declare(_library_with_gil)
    return _library_with_gil


def abi_version() -> int:
    """The version of the C interface that the loaded library has."""
    return int(library().rawkv_abi_version())


def code_name(code: int) -> str:
    """The name of a code, for example "not found"."""
    return str(library().rawkv_code_name(code), "ascii")


def take_text(address: ctypes.c_void_p) -> str:
    """The text at an address that the library returned, which this call frees. Empty for a null address."""
    if not address.value:
        return ""
    text = ctypes.string_at(address.value).decode("utf-8", "replace")
    library().rawkv_free(address)
    return text


def check(code: int, error: ctypes.c_void_p) -> None:
    """Raises the error of a call, and frees its text."""
    if code != 0:
        raise error_of(code, take_text(error) or code_name(code))


def path_bytes(path: str | bytes | os.PathLike[str] | os.PathLike[bytes]) -> bytes:
    """A path as the C interface takes it. ValueError: it contains a zero byte."""
    encoded = os.fsencode(path)
    if b"\0" in encoded:
        raise ValueError("a path must not contain a zero byte")
    return encoded


def option_text(options: dict[str, object]) -> bytes:
    """Keyword arguments as options of the C interface: True and False become 1 and 0, None is left out.

    ValueError: a text value is empty or contains white space, which the C interface cannot express.
    """
    words = []
    for key, value in options.items():
        if value is None:
            continue
        text = os.fsdecode(value) if isinstance(value, os.PathLike) else str(int(value) if isinstance(value, bool) else value)
        if not text or any(c in text for c in " \t\r\n\0"):
            raise ValueError(f"the option {key} must not be empty and must not contain white space: {text!r}")
        words.append(f"{key}={text}")
    return os.fsencode(" ".join(words))
