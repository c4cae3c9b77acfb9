"""Reads of one version of a store: what an engine (the newest version) and a view have in common."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any, Iterator as PythonIterator, Sequence

from . import _abi
from ._buffers import Pinned, key_bytes, new_bytes
from ._handle import Handle
from ._library import check, code_name, library
from .errors import INVALID_ARGUMENT, NOT_FOUND, OK, RawkvError, error_of
from .iterator import Iterator

_FIRST_SIZE = 4096  # a value up to this size costs one call


@dataclass(frozen=True)
class ReadResult:
    """The answer for one key of a read of many keys."""

    code: int  # OK, NOT_FOUND or an error
    # Length of the value in bytes. If multi_get_into has too little memory for a value: the length that it needs.
    size: int
    written_by: int  # the version that wrote the value

    @property
    def ok(self) -> bool:
        return self.code == OK

    def error(self) -> RawkvError | None:
        """The error of this key, or None. A missing key is a NotFoundError."""
        return None if self.code == OK else error_of(self.code, code_name(self.code))


class ReadArray:
    """Keys and memory as an array of rawkv_read. It keeps all of them alive."""

    def __init__(self, keys: Sequence[str | bytes | bytearray | memoryview], outs: Sequence[Any] | None) -> None:
        if outs is not None and len(outs) != len(keys):
            raise ValueError(f"{len(keys)} keys need as many pieces of memory, not {len(outs)}")
        self.count = len(keys)
        self.reads = (_abi.Read * len(keys))()
        names = [key_bytes(key) for key in keys]
        # All keys in one piece of memory: its address plus an offset is cheaper than an address for each key.
        self._keys = b"".join(names)
        key_pin = Pinned(self._keys)
        self.pins = [key_pin]
        at = key_pin.address
        for i, name in enumerate(names):
            read = self.reads[i]
            read.key, read.key_size = at, len(name)
            at += len(name)
            if outs is not None:
                pinned = Pinned(outs[i], writable=True)
                self.pins.append(pinned)
                read.out, read.out_size = pinned.address, pinned.size

    def results(self) -> list[ReadResult]:
        return [ReadResult(read.code, read.size, read.written_by) for read in self.reads]


class Reads:
    """Reads of one version. Thread-safe."""

    def _pointers(self) -> tuple[Handle, Handle | None]:
        """The handles of the engine and of the view, or None for the newest version."""
        raise NotImplementedError

    def get(self, key: str | bytes | bytearray | memoryview, default: Any = None) -> bytes | Any:
        """The value of a key, or `default` if there is no such key. CorruptionError: the value is damaged."""
        name = key_bytes(key)
        pinned = Pinned(name)
        size = _FIRST_SIZE
        while True:
            value, address = new_bytes(size)
            read = _abi.Read(key=pinned.address, key_size=pinned.size, out=address, out_size=size)
            self._multi_get(read, 1)
            if read.code == OK:
                return value if read.size == size else value[:read.size]
            if read.code == NOT_FOUND:
                return default
            if read.code != INVALID_ARGUMENT or read.size <= size:
                return self._read_again(name, size)
            size = read.size  # of a value that was too large for its memory

    def _read_again(self, name: bytes, size: int) -> bytes:
        """Reads a value again whose read has failed, because only this call gives the text of the error."""
        out = bytearray(size)
        return bytes(memoryview(out)[:self.get_into(name, out)])

    def get_into(self, key: str | bytes | bytearray | memoryview, out: Any) -> int:
        """Reads a value into `out`, a writable buffer, and returns its length in bytes.

        The device writes directly into memory that is aligned to 4096 bytes. InvalidArgumentError: `out` is too small.
        NotFoundError: there is no such key. The content of `out` is undefined after an error, other than these two.
        """
        name = key_bytes(key)
        pinned = Pinned(out, writable=True)
        size, error = ctypes.c_size_t(), ctypes.c_void_p()
        self._call("rawkv_get", name, len(name), pinned.address, pinned.size, size, error)
        return size.value

    def exists(self, key: str | bytes | bytearray | memoryview) -> bool:
        """Whether the key exists. Reads no value."""
        name = key_bytes(key)
        found, error = ctypes.c_int(), ctypes.c_void_p()
        self._call("rawkv_exists", name, len(name), found, error)
        return found.value != 0

    __contains__ = exists

    def multi_get_into(self, keys: Sequence[str | bytes | bytearray | memoryview],
                       outs: Sequence[Any]) -> list[ReadResult]:
        """Reads many values at once, each into its own writable buffer. One answer for each key; a missing key and a
        buffer that is too small are answers, too."""
        array = ReadArray(keys, outs)
        if array.count != 0:
            self._multi_get(array.reads, array.count)
        return array.results()

    def multi_get(self, keys: Sequence[str | bytes | bytearray | memoryview]) -> list[bytes | None]:
        """Reads many values at once. None: there is no such key. The error of the first key that has one is raised."""
        values: list[bytes | None] = [None] * len(keys)
        sizes = [_FIRST_SIZE] * len(keys)
        left = list(range(len(keys)))
        while left:
            array = ReadArray([keys[i] for i in left], None)
            made = [new_bytes(sizes[i]) for i in left]
            for read, (_, address), i in zip(array.reads, made, left):
                read.out, read.out_size = address, sizes[i]
            self._multi_get(array.reads, array.count)
            again = []
            for read, (value, _), i in zip(array.reads, made, left):
                if read.code == OK:
                    values[i] = value if read.size == sizes[i] else value[:read.size]
                elif read.code == INVALID_ARGUMENT and read.size > sizes[i]:
                    sizes[i] = read.size
                    again.append(i)
                elif read.code != NOT_FOUND:
                    values[i] = self._read_again(key_bytes(keys[i]), sizes[i])
            left = again
        return values

    def iterator(self, lower: str | bytes | bytearray | memoryview | None = None,
                 upper: str | bytes | bytearray | memoryview | None = None) -> Iterator:
        """A cursor over the keys from `lower` to `upper`, without `upper`. None: no bound. It has no position yet."""
        first = None if lower is None else key_bytes(lower)
        last = None if upper is None else key_bytes(upper)
        pointer, error = ctypes.c_void_p(), ctypes.c_void_p()
        self._call("rawkv_iterator_open", first, len(first or b""), last, len(last or b""), pointer, error)
        assert pointer.value is not None
        return self._keep(Iterator(pointer.value, owner=self))

    def items(self, lower: str | bytes | bytearray | memoryview | None = None,
              upper: str | bytes | bytearray | memoryview | None = None, *,
              reverse: bool = False) -> PythonIterator[tuple[bytes, bytes]]:
        """The keys and values between the bounds, in byte order or against it."""
        with self.iterator(lower, upper) as cursor:
            yield from cursor.walk(reverse)

    def keys(self, lower: str | bytes | bytearray | memoryview | None = None,
             upper: str | bytes | bytearray | memoryview | None = None, *,
             reverse: bool = False) -> PythonIterator[bytes]:
        """The keys between the bounds. Reads no values."""
        with self.iterator(lower, upper) as cursor:
            yield from cursor.walk_keys(reverse)

    def _keep(self, iterator: Iterator) -> Iterator:
        """Remembers an iterator, so that a close of the engine can close it first."""
        raise NotImplementedError

    def _call(self, function: str, *arguments: Any) -> None:
        """Calls a function that takes an engine and a view first, and a text of an error last."""
        engine, view = self._pointers()
        with engine as engine_pointer:
            if view is None:
                code = getattr(library(), function)(engine_pointer, None, *arguments)
            else:
                with view as view_pointer:
                    code = getattr(library(), function)(engine_pointer, view_pointer, *arguments)
        check(code, arguments[-1])

    def _multi_get(self, reads: Any, count: int) -> None:
        self._call("rawkv_multi_get", reads, ctypes.sizeof(_abi.Read), count, ctypes.c_void_p())
