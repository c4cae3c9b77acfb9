"""A cursor over keys in byte order."""

from __future__ import annotations

import ctypes
from typing import Iterator as PythonIterator

from ._buffers import key_bytes
from ._handle import Closing, Handle
from ._library import check, library


class Iterator(Closing):
    """A position among the keys of one version. It belongs to one thread at a time.

    A new iterator has no position: call first, last or seek. It sees the version of its view, or the version that was
    the newest one when it was made. Close it, or use it in a `with` statement: it keeps its version from being reused.
    """

    def __init__(self, pointer: int, owner: object = None) -> None:
        self._handle = Handle(pointer, "iterator")
        self._owner = owner  # the engine, which must not be closed by the garbage collector before the iterator

    def first(self) -> None:
        """Moves to the first key."""
        self._move("rawkv_iterator_first")

    def last(self) -> None:
        """Moves to the last key."""
        self._move("rawkv_iterator_last")

    def seek(self, key: str | bytes | bytearray | memoryview) -> None:
        """Moves to the first key that is not less than `key`."""
        name = key_bytes(key)
        with self._handle as pointer:
            library().rawkv_iterator_seek(pointer, name, len(name))

    def next(self) -> None:
        """Moves to the next key. Does nothing without a position."""
        self._move("rawkv_iterator_next")

    def prev(self) -> None:
        """Moves to the key before. Does nothing without a position."""
        self._move("rawkv_iterator_prev")

    @property
    def valid(self) -> bool:
        """Whether the iterator is at a key. False at the end, and after an error, which check() raises."""
        with self._handle as pointer:
            return bool(library().rawkv_iterator_valid(pointer))

    @property
    def key(self) -> bytes:
        """The key at the position. IndexError: there is no position."""
        size = ctypes.c_size_t()
        with self._handle as pointer:
            if not library().rawkv_iterator_valid(pointer):
                raise IndexError("the iterator is at no key")
            return ctypes.string_at(library().rawkv_iterator_key(pointer, size), size.value)

    @property
    def value(self) -> bytes:
        """The value at the position. CorruptionError: it is damaged; the iterator can still move.
        FailedPreconditionError: there is no position."""
        value, size, error = ctypes.c_void_p(), ctypes.c_size_t(), ctypes.c_void_p()
        with self._handle as pointer:
            check(library().rawkv_iterator_value(pointer, value, size, error), error)
        try:
            return ctypes.string_at(value.value or 0, size.value) if size.value else b""
        finally:
            library().rawkv_free(value)

    def check(self) -> None:
        """Raises the error that ended the walk, if there is one."""
        error = ctypes.c_void_p()
        with self._handle as pointer:
            check(library().rawkv_iterator_status(pointer, error), error)

    def walk_keys(self, reverse: bool = False) -> PythonIterator[bytes]:
        """All keys from one end of the bounds to the other."""
        self.last() if reverse else self.first()
        while self.valid:
            yield self.key
            self.prev() if reverse else self.next()
        self.check()

    def walk(self, reverse: bool = False) -> PythonIterator[tuple[bytes, bytes]]:
        """All keys with their values."""
        for key in self.walk_keys(reverse):
            yield key, self.value

    def _move(self, function: str) -> None:
        with self._handle as pointer:
            getattr(library(), function)(pointer)

    def close(self) -> None:
        """Frees the iterator. Idempotent."""
        def free(pointer: int) -> bool:
            library().rawkv_iterator_close(pointer)
            return True

        self._handle.close(free)
