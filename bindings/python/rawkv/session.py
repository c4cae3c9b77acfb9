"""Operations that no thread waits for."""

from __future__ import annotations

import ctypes
import threading
from dataclasses import dataclass, field
from typing import Any, Sequence

from . import _abi
from ._handle import Closing, Handle
from ._library import check, code_name, library
from .batch import Batch
from .errors import OK, RawkvError, error_of
from .reads import ReadArray, ReadResult

_DRAIN_MAX = 256
OUTCOMES = {_abi.APPLIED: "applied", _abi.NOT_APPLIED: "not applied", _abi.UNKNOWN: "unknown"}


@dataclass(frozen=True)
class Completion:
    """The end of one operation."""

    id: int  # as the submit call returned it
    op: int  # OP_GET, OP_EXISTS, OP_COMMIT or OP_SYNC
    code: int  # of the operation as a whole
    message: str  # text of the error, or empty
    answers: list[ReadResult] = field(default_factory=list)  # of reads, in the order of the keys
    outcome: str | None = None  # of a commit: "applied", "not applied" or "unknown"
    version: int | None = None  # of a commit that was applied
    existed: tuple[int, ...] = ()  # operations that if_absent left out, as ascending indexes

    @property
    def ok(self) -> bool:
        return self.code == OK

    def error(self) -> RawkvError | None:
        """The error of the operation, or None."""
        if self.code == OK:
            return None
        error = error_of(self.code, self.message)
        error.outcome = self.outcome
        return error


def commit_options(expected_version: int | None, durability: str | None) -> _abi.CommitOptions:
    """ValueError: a durability other than None, "synced" and "unsafe_unsynced"."""
    flags = {None: 0, "synced": _abi.SYNCED, "unsafe_unsynced": _abi.UNSYNCED}.get(durability)
    if flags is None:
        raise ValueError(f'durability is None, "synced" or "unsafe_unsynced", not {durability!r}')
    if expected_version is not None:
        flags |= _abi.EXPECT_VERSION
    return _abi.CommitOptions(ctypes.sizeof(_abi.CommitOptions), expected_version or 0, flags)


def existed_of(pointer: Any, count: int) -> tuple[int, ...]:
    return tuple(pointer[:count]) if count else ()


class Session(Closing):
    """Reads and commits without a thread that waits. Every call is thread-safe; close waits for the calls under way.

    A submit call never waits for the device. It returns the id of the operation, whose completion drain() returns
    exactly once. An operation sees the effect of each earlier operation of this session on its keys. The session keeps
    the memory of reads and of borrowed values alive until the completion has been drained; nothing touches that memory
    afterwards. BusyError of a submit call: too many operations wait to be drained.

    A program waits with wait(), or polls event_fd(), which is readable exactly while completions wait. Waiting with
    wait() costs less, so a program that can do so does not ask for the descriptor.
    """

    def __init__(self, engine: Handle, options: bytes, owner: object = None) -> None:
        pointer, error = ctypes.c_void_p(), ctypes.c_void_p()
        with engine as engine_pointer:
            check(library().rawkv_session_open(engine_pointer, options, pointer, error), error)
        self._handle = Handle(pointer.value, "session")
        self._owner = owner  # the engine, which must not be closed by the garbage collector before the session
        self._kept: dict[int, Any] = {}  # memory of the operations under way, by their ids
        self._kept_lock = threading.Lock()
        self._registered: list[Any] = []  # memory that the kernel knows until the session is closed

    def submit_get(self, keys: Sequence[str | bytes | bytearray | memoryview], outs: Sequence[Any]) -> int:
        """Reads each key into the writable buffer at the same place of `outs`."""
        return self.submit_reads("rawkv_session_get", ReadArray(keys, outs))

    def submit_exists(self, keys: Sequence[str | bytes | bytearray | memoryview]) -> int:
        """Answers OK or NOT_FOUND for each key. Reads no value."""
        return self.submit_reads("rawkv_session_exists", ReadArray(keys, None))

    def submit_reads(self, function: str, array: ReadArray) -> int:
        """Submits an array that is ready. `function` is rawkv_session_get or rawkv_session_exists."""
        size = ctypes.sizeof(_abi.Read)
        return self._submit(array, lambda session, made, error: getattr(library(), function)(
            session, array.reads, size, array.count, made, error))

    def submit_commit(self, batch: Batch, *, expected_version: int | None = None,
                      durability: str | None = None) -> int:
        """Commits the batch, which is empty afterwards. An error of the batch is the error of the completion."""
        options = commit_options(expected_version, durability)
        with batch.handle as batch_pointer:
            # The lock is held until the memory is in `_kept`, so that a drain in another thread finds it there.
            made, error = ctypes.c_uint64(), ctypes.c_void_p()
            with self._handle as pointer, self._kept_lock:
                check(library().rawkv_session_commit(pointer, batch_pointer, options, made, error), error)
                self._kept[made.value] = batch.take_borrowed()
        return made.value

    def submit_sync(self) -> int:
        """Makes every earlier commit of the session durable."""
        return self._submit(None, lambda session, made, error: library().rawkv_session_sync(session, made, error))

    def _submit(self, memory: Any, call: Any) -> int:
        made, error = ctypes.c_uint64(), ctypes.c_void_p()
        with self._handle as pointer, self._kept_lock:
            check(call(pointer, made, error), error)
            self._kept[made.value] = memory
        return made.value

    def register_memory(self, memory: Any) -> None:
        """Registers a writable buffer, into any part of which this session then reads at less cost to the kernel.

        The session keeps the buffer alive until it is closed. NotSupportedError: another engine than io_uring, or a
        kernel before 5.19. Everything works without.
        """
        view = memoryview(memory).cast("B")
        array = (ctypes.c_char * view.nbytes).from_buffer(view)
        error = ctypes.c_void_p()
        with self._handle as pointer:
            self._registered.append(array)
            check(library().rawkv_session_register_memory(pointer, ctypes.addressof(array), view.nbytes, error), error)

    def event_fd(self) -> int:
        """A descriptor to poll. The session reads and closes it."""
        with self._handle as pointer:
            return int(library().rawkv_session_event_fd(pointer))

    def wait(self, timeout: float | None = None) -> bool:
        """Whether a completion can be drained. False: `timeout` seconds have passed, or nothing is under way."""
        milliseconds = -1 if timeout is None else max(0, round(timeout * 1000))
        with self._handle as pointer:
            return bool(library().rawkv_session_wait(pointer, milliseconds))

    def drain(self, count: int = _DRAIN_MAX) -> list[Completion]:
        """Up to `count` completions that are ready, in the order in which they completed. Never waits."""
        room = (_abi.Completion * count)()
        with self._handle as pointer:
            filled = library().rawkv_session_drain(pointer, room, ctypes.sizeof(_abi.Completion), count)
        done = []
        for i in range(filled):
            done.append(_completion(room[i]))
            with self._kept_lock:
                self._kept.pop(room[i].id)
        return done

    @property
    def under_way(self) -> int:
        """Operations that were accepted and not drained yet."""
        return len(self._kept)

    def close(self) -> None:
        """Completes what was accepted, drops what was not drained, and frees the session. Idempotent."""
        def free(pointer: int) -> bool:
            library().rawkv_session_close(pointer)
            return True

        self._handle.close(free)
        self._kept = {}


def _completion(raw: _abi.Completion) -> Completion:
    try:
        answers = [ReadResult(a.code, a.size, a.written_by) for a in raw.answers[:raw.answer_count]] \
            if raw.answer_count else []
        message = ""
        if raw.code != OK:
            message = raw.error.decode("utf-8", "replace") if raw.error else code_name(raw.code)
        commit = raw.op == _abi.OP_COMMIT
        return Completion(id=raw.id, op=raw.op, code=raw.code, message=message, answers=answers,
                          outcome=OUTCOMES.get(raw.outcome) if commit else None,
                          version=raw.version if commit and raw.code == OK else None,
                          existed=existed_of(raw.existed, raw.existed_count))
    finally:
        library().rawkv_free(raw.memory)
