"""The operations of one commit."""

from __future__ import annotations

import ctypes
import struct
from typing import Any

from . import _abi
from ._buffers import Pinned, key_bytes
from ._handle import Closing, Handle
from ._library import check, library
from .errors import StoreIoError

# u8 kind, u8 flags, u16 0, u32 key size, u64 value size: the header of an operation for Batch.append.
PACKED = struct.Struct("<BBHIQ")
PACKED_PUT, PACKED_DELETE, PACKED_DELETE_RANGE = 1, 2, 3


class Batch(Closing):
    """Puts and deletes that one commit applies together, in the order of the calls.

    A batch belongs to one thread at a time. An operation with a wrong key or value makes the commit fail, not the call
    that adds it. Keys are bytes of 1 byte to 64 KiB; text becomes UTF-8. Values have at most 1 GiB.
    """

    def __init__(self) -> None:
        pointer = library().rawkv_batch_new()
        if not pointer:
            raise StoreIoError("there is no memory for a batch")
        self._handle = Handle(pointer, "batch")
        self._borrowed: list[Pinned] = []

    def put(self, key: str | bytes | bytearray | memoryview, value: Any, *, if_absent: bool = False,
            borrow: bool = False) -> None:
        """Stores `value`, which is any object with the buffer protocol.

        if_absent: leaves a key that exists as it is; the result of the commit names this operation.
        borrow: keeps a reference instead of a copy. The bytes must stay as they are until the commit returns, or until
        its completion is drained from the session. BufferError: the memory is not contiguous.
        """
        name = key_bytes(key)
        pinned = Pinned(value)
        flags = (_abi.IF_ABSENT if if_absent else 0) | (_abi.BORROW if borrow else 0)
        with self._handle as pointer:
            library().rawkv_batch_put(pointer, name, len(name), pinned.address, pinned.size, flags)
            if borrow:
                self._borrowed.append(pinned)

    def delete(self, key: str | bytes | bytearray | memoryview) -> None:
        """Removes a key. A key that does not exist is no error."""
        name = key_bytes(key)
        with self._handle as pointer:
            library().rawkv_batch_delete(pointer, name, len(name))

    def delete_range(self, begin: str | bytes | bytearray | memoryview,
                     end: str | bytes | bytearray | memoryview = b"") -> None:
        """Removes the keys from `begin` to `end`, without `end`. An empty `end`: to the last key."""
        first, last = key_bytes(begin), key_bytes(end)
        with self._handle as pointer:
            library().rawkv_batch_delete_range(pointer, first, len(first), last, len(last))

    def set_metadata(self, metadata: Any) -> None:
        """Stores bytes with the version that the commit makes."""
        pinned = Pinned(metadata)
        with self._handle as pointer:
            library().rawkv_batch_set_metadata(pointer, pinned.address, pinned.size)

    def append(self, packed: Any) -> None:
        """Adds many operations with one call. `packed` has for each a header (PACKED: kind, flags, 0, size of the key,
        size of the value), the key and the value. The values are copied. InvalidArgumentError: the memory ends inside
        an operation, or a field is wrong; the batch is then unchanged."""
        pinned = Pinned(packed)
        error = ctypes.c_void_p()
        with self._handle as pointer:
            check(library().rawkv_batch_append(pointer, pinned.address, pinned.size, error), error)

    def clear(self) -> None:
        """Removes all operations."""
        with self._handle as pointer:
            library().rawkv_batch_clear(pointer)
            self._borrowed = []

    def take_borrowed(self) -> list[Pinned]:
        """The memory of borrowed values, for the session that has accepted the batch. The batch forgets it."""
        borrowed, self._borrowed = self._borrowed, []
        return borrowed

    @property
    def handle(self) -> Handle:
        """For Engine and Session."""
        return self._handle

    def __len__(self) -> int:
        with self._handle as pointer:
            return int(library().rawkv_batch_count(pointer))

    def close(self) -> None:
        """Frees the batch. Idempotent."""
        def free(pointer: int) -> bool:
            library().rawkv_batch_free(pointer)
            return True

        self._handle.close(free)
        self._borrowed = []
