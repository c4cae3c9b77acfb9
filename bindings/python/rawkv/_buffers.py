"""Addresses of Python's buffers, without a copy."""

from __future__ import annotations

import ctypes
from typing import Any

_PyBUF_SIMPLE = 0
_PyBUF_WRITABLE = 1


class _PyBuffer(ctypes.Structure):
    """Py_buffer of CPython's stable ABI (since 3.11; the same fields since 3.3)."""

    _fields_ = [("buf", ctypes.c_void_p), ("obj", ctypes.c_void_p), ("len", ctypes.c_ssize_t),
                ("itemsize", ctypes.c_ssize_t), ("readonly", ctypes.c_int), ("ndim", ctypes.c_int),
                ("format", ctypes.c_char_p), ("shape", ctypes.c_void_p), ("strides", ctypes.c_void_p),
                ("suboffsets", ctypes.c_void_p), ("internal", ctypes.c_void_p)]


_get = ctypes.pythonapi.PyObject_GetBuffer
_get.argtypes = (ctypes.py_object, ctypes.POINTER(_PyBuffer), ctypes.c_int)
_get.restype = ctypes.c_int
_release = ctypes.pythonapi.PyBuffer_Release
_release.argtypes = (ctypes.POINTER(_PyBuffer),)
_release.restype = None
_new_bytes = ctypes.pythonapi.PyBytes_FromStringAndSize
_new_bytes.argtypes = (ctypes.c_void_p, ctypes.c_ssize_t)
_new_bytes.restype = ctypes.py_object
_bytes_address = ctypes.pythonapi.PyBytes_AsString
_bytes_address.argtypes = (ctypes.py_object,)
_bytes_address.restype = ctypes.c_void_p


class Pinned:
    """The memory of an object with the buffer protocol: bytes, bytearray, memoryview, mmap, a numpy array.

    The memory stays where it is until the object of this class is gone: meanwhile Python refuses to resize a bytearray
    or to release a memoryview. BufferError: the memory is not contiguous, or is read-only although `writable` is set.
    """

    __slots__ = ("address", "size", "_view")

    def __init__(self, source: Any, writable: bool = False) -> None:
        view = _PyBuffer()
        _get(source, view, _PyBUF_WRITABLE if writable else _PyBUF_SIMPLE)
        self._view: _PyBuffer | None = view
        self.address: int = view.buf or 0
        self.size: int = view.len

    def release(self) -> None:
        """Lets Python move or free the memory again. Idempotent."""
        view, self._view = self._view, None
        if view is not None:
            _release(view)

    def __del__(self) -> None:
        if getattr(self, "_view", None) is not None:
            self.release()


def new_bytes(size: int) -> tuple[bytes, int]:
    """A bytes object of `size` bytes with undefined content, and its address. Only for a caller that fills it in before
    anybody else gets it."""
    made = _new_bytes(None, size)
    return made, _bytes_address(made)


def address_of_bytes(source: bytes) -> int:
    """The address of the content of a bytes object, which the caller keeps alive."""
    address: int = _bytes_address(source)
    return address


def address_of(memory: Any, writable: bool) -> tuple[Any, int, int]:
    """(pin, address, size in bytes) of a buffer. The memory stays where it is while the pin lives.

    The pin of a writable memoryview is a ctypes object, which costs a third of a Pinned.
    """
    if type(memory) is memoryview and not memory.readonly and memory.nbytes != 0 and memory.c_contiguous:
        pin = ctypes.c_char.from_buffer(memory)
        return pin, ctypes.addressof(pin), memory.nbytes
    pinned = Pinned(memory, writable)
    return pinned, pinned.address, pinned.size


def key_bytes(key: str | bytes | bytearray | memoryview) -> bytes:
    """A key as bytes; text becomes UTF-8."""
    if isinstance(key, bytes):
        return key
    return key.encode("utf-8", "surrogatepass") if isinstance(key, str) else bytes(key)
