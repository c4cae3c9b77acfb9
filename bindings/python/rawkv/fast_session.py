"""A session with little work for each call, for code that keeps the memory of its operations alive itself."""

from __future__ import annotations

import ctypes
import struct
from typing import Any, Callable, NamedTuple, Sequence

from . import _abi
from ._buffers import address_of, address_of_bytes
from ._library import check, code_name, library, library_with_gil, option_text
from .engine import Engine
from .errors import OK, StoreIoError

READ = struct.Struct("<QQQQiIQQ")  # rawkv_read
ANSWER = struct.Struct("<iIQQ")  # rawkv_answer
COMPLETION = struct.Struct("<QiiiIQQQQQQQ")  # rawkv_completion
# A call that works on less than this many bytes or keys is so short that giving up Python's lock costs more.
_SHORT_BYTES = 1 << 20
_SHORT_KEYS = 64
_DRAIN_MAX = 64


class Packed(NamedTuple):
    """Keys and memory of one read as an array of rawkv_read, with everything that must stay alive."""

    array: bytes
    number: int  # of keys
    sizes: list[int]  # of the memory of each key
    short: bool
    kept: tuple[Any, ...]


class Done(NamedTuple):
    """A completion. `answers`: (code, 0, size, written_by) for each key of a read."""

    id: int
    op: int
    code: int
    message: str
    answers: list[tuple[int, int, int, int]]


def pack_keys(keys: Sequence[str]) -> Packed:
    """Keys of an exists."""
    names = [key.encode("utf-8", "surrogatepass") for key in keys]
    joined = b"".join(names)
    at = address_of_bytes(joined)
    fields: list[int] = []
    for name in names:
        fields += (at, len(name), 0, 0, 0, 0, 0)
        at += len(name)
    return Packed(struct.pack(f"<{len(fields)}Q", *fields), len(names), [], len(names) <= _SHORT_KEYS, (joined,))


def pack_reads(keys: Sequence[str], outs: Sequence[Any]) -> Packed:
    """Keys and writable buffers of a get. BufferError, TypeError, ValueError: a wrong buffer or number of buffers."""
    if len(keys) != len(outs):
        raise ValueError(f"{len(keys)} keys need as many buffers, not {len(outs)}")
    if len(keys) == 1:
        return _pack_read(keys[0], outs[0])
    names = [key.encode("utf-8", "surrogatepass") for key in keys]
    joined = b"".join(names)
    at = address_of_bytes(joined)
    fields: list[int] = []
    pins: list[Any] = []
    sizes: list[int] = []
    for name, out in zip(names, outs):
        pin, address, size = address_of(out, writable=True)
        pins.append(pin)
        sizes.append(size)
        fields += (at, len(name), address, size, 0, 0, 0)
        at += len(name)
    short = len(names) <= _SHORT_KEYS and sum(sizes) < _SHORT_BYTES
    return Packed(struct.pack(f"<{len(fields)}Q", *fields), len(names), sizes, short, (joined, pins))


def _pack_read(key: str, out: Any) -> Packed:
    """pack_reads for one key, which is worth a case of its own: it takes half the time."""
    name = key.encode("utf-8", "surrogatepass")
    pin, address, size = address_of(out, writable=True)
    array = READ.pack(address_of_bytes(name), len(name), address, size, 0, 0, 0, 0)
    return Packed(array, 1, [size], size < _SHORT_BYTES, (name, pin))


class PackedPuts(NamedTuple):
    """Keys and values of one commit, with everything that must stay alive."""

    puts: list[tuple[bytes, int, int]]  # key, address and size of the value
    kept: tuple[Any, ...]


def pack_puts(keys: Sequence[str], values: Sequence[Any]) -> PackedPuts:
    """Keys and buffers of a commit. BufferError, TypeError, ValueError: a wrong buffer or number of buffers."""
    if len(keys) != len(values):
        raise ValueError(f"{len(keys)} keys need as many buffers, not {len(values)}")
    pins, puts = [], []
    for key, value in zip(keys, values):
        pin, address, size = address_of(value, writable=False)
        pins.append(pin)
        puts.append((key.encode("utf-8", "surrogatepass"), address, size))
    return PackedPuts(puts, (pins,))


class FastSession:
    """A session of a store. Every call is thread-safe, but the caller must keep the memory of an operation alive until
    it has drained its completion, and must not call anything during close or after it."""

    def __init__(self, engine: Engine, **options: object) -> None:
        pointer, error = ctypes.c_void_p(), ctypes.c_void_p()
        with engine.handle as engine_pointer:
            check(library().rawkv_session_open(engine_pointer, option_text(options), pointer, error), error)
        self._owner = engine
        self._pointer = pointer.value
        # Two views of the same library: one gives up Python's lock during a call, the other keeps it.
        self._free_lock, self._keep_lock = library(), library_with_gil()
        # Empty between two commits. The session takes its operations over.
        self._batch = self._keep_lock.rawkv_batch_new()
        if not self._batch:
            self.close()
            raise StoreIoError("there is no memory for a batch")
        self._room = (_abi.Completion * _DRAIN_MAX)()
        self._session_get = {True: self._keep_lock.rawkv_session_get, False: self._free_lock.rawkv_session_get}
        self._session_exists = {True: self._keep_lock.rawkv_session_exists, False: self._free_lock.rawkv_session_exists}
        self._room_bytes = memoryview(self._room).cast("B")

    def submit_get(self, reads: Packed) -> int:
        return self._submit_reads(self._session_get[reads.short], reads)

    def submit_exists(self, reads: Packed) -> int:
        return self._submit_reads(self._session_exists[reads.short], reads)

    def _submit_reads(self, function: Callable[..., int], reads: Packed) -> int:
        made, error = ctypes.c_uint64(), ctypes.c_void_p()
        code = function(self._pointer, reads.array, READ.size, reads.number, made, error)
        if code != OK:
            check(code, error)
        return made.value

    def submit_puts(self, puts: PackedPuts) -> int:
        """Commits values whose keys do not exist. One thread at a time may call this or submit_deletes."""
        put, batch = self._keep_lock.rawkv_batch_put, self._batch
        for key, address, size in puts.puts:
            put(batch, key, len(key), address, size, _abi.IF_ABSENT | _abi.BORROW)
        return self._commit()

    def submit_deletes(self, keys: Sequence[str]) -> int:
        """Commits the removal of keys. One thread at a time may call this or submit_puts."""
        for key in keys:
            name = key.encode("utf-8", "surrogatepass")
            self._keep_lock.rawkv_batch_delete(self._batch, name, len(name))
        return self._commit()

    def _commit(self) -> int:
        made, error = ctypes.c_uint64(), ctypes.c_void_p()
        code = self._keep_lock.rawkv_session_commit(self._pointer, self._batch, None, made, error)
        if code != OK:
            self._keep_lock.rawkv_batch_clear(self._batch)
            check(code, error)
        return made.value

    def wait(self) -> None:
        """Waits until a completion can be drained, or returns at once if nothing is under way."""
        self._free_lock.rawkv_session_wait(self._pointer, -1)

    def drain(self, short: bool = False) -> list[Done]:
        """Up to 64 completions. Only one thread may call it at a time.

        A drain also takes in reads that have just ended, and verifies them. `short`: only short reads are under way, so
        that the call keeps Python's lock. After wait() another thread would otherwise take the lock, and each result
        would wait for it.
        """
        count = (self._keep_lock if short else self._free_lock).rawkv_session_drain(self._pointer, self._room, COMPLETION.size, _DRAIN_MAX)
        done = []
        for i in range(count):
            (operation, op, code, _, _, _, answer_count, answers, _, _, error, memory) = COMPLETION.unpack_from(
                self._room_bytes, i * COMPLETION.size)
            message = ""
            if code != OK:
                message = ctypes.string_at(error).decode("utf-8", "replace") if error else code_name(code)
            found: list[Any] = []
            if answer_count:
                found = list(ANSWER.iter_unpack(ctypes.string_at(answers, answer_count * ANSWER.size)))
            if memory:
                self._keep_lock.rawkv_free(memory)
            done.append(Done(operation, op, code, message, found))
        return done

    def close(self) -> None:
        """Completes what was accepted, drops what was not drained, and frees the session. Idempotent."""
        pointer, self._pointer = self._pointer, None
        if pointer is not None:
            self._free_lock.rawkv_session_close(pointer)
            self._keep_lock.rawkv_batch_free(self._batch)
