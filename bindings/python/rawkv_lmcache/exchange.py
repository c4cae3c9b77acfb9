"""Batches of reads and writes that are under way, as futures with one event descriptor."""

from __future__ import annotations

import os
import threading
from collections import deque
from functools import partial
from typing import Any, Callable, List, Optional, Sequence, Tuple

import rawkv
from rawkv import code_name
from rawkv.fast_session import Done, FastSession, pack_keys, pack_puts, pack_reads

# A result: the id of the future, whether the batch succeeded, the text of its error, and one verdict for each key.
Result = Tuple[int, bool, str, Optional[List[bool]]]
Outcome = Tuple[bool, str, List[bool]]


class _Future:
    """One batch: the steps that submit its operations, and the function that makes the result of their completions."""

    __slots__ = ("id", "keys", "steps", "finish", "kept", "failure", "accepted", "done", "long")

    def __init__(self, keys: int, finish: Callable[[list[Done]], Outcome]) -> None:
        self.id = 0
        self.keys = keys
        self.steps: list[Callable[[], int]] = []
        self.finish: Callable[[list[Done]], Outcome] | None = finish
        self.kept: Any = None  # the caller's memory, and what the operations need
        self.failure = ""  # of a step, although earlier steps were accepted
        self.accepted: list[int] = []  # operations, in the order of the steps
        self.done: list[Done] = []
        self.long = False  # it reads so much that its completion takes time

    def failed(self, message: str) -> Outcome:
        return False, message, [False] * self.keys

    def take(self, done: Done) -> Outcome | None:
        """Keeps the completion of an operation. The outcome of the batch if it was the last one."""
        self.done.append(done)
        message = self.failure or done.message
        if len(self.accepted) > 1 or self.failure:
            if len(self.done) < len(self.accepted):
                return None
            self.done.sort()  # by the id, and so in the order of the steps
            message = self.failure or next((one.message for one in self.done if one.message), "")
        try:
            assert self.finish is not None
            return self.failed(message) if message else self.finish(self.done)
        except Exception as error:  # noqa: BLE001: a result, and never the end of the thread
            return self.failed(f"{type(error).__name__}: {error}")
        finally:
            self.release()

    def release(self) -> None:
        """Gives up every reference to the caller's memory. The closures refer to the future, so that a part of them
        would otherwise stay until a collection of garbage."""
        self.steps, self.finish, self.kept = [], None, None


class Exchange:
    """Passes batches to a session of a store, and collects their results.

    Every call is thread-safe. A submit call never waits for the device: if the session has as many operations as it
    takes, the batch waits here, and the batches keep their order. One thread of the exchange waits for the session. It
    makes the results, and then writes to an eventfd, which stays readable while results wait.

    The memory of a batch is referenced from its submit call until its result is ready. Nothing touches it afterwards.
    """

    def __init__(self, store: rawkv.Engine, *, operations_max: int = 4096,
                 bytes_in_flight_max: int | str = "64MiB") -> None:
        if operations_max < 2:
            raise ValueError("operations_max must be at least 2, because a delete is two operations")
        self._store = store
        self._session = FastSession(store, operations_max=operations_max, bytes_in_flight_max=bytes_in_flight_max)
        self._operations_max = operations_max
        self._event_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)  # the thread waits for it without an operation under way
        self._idle = False  # whether the thread does so
        self._operations = 0  # in the session
        self._long = 0  # futures under way whose completion takes time
        self._last_id = 0
        self._waiting: deque[_Future] = deque()  # not in the session yet
        self._under_way: dict[int, _Future] = {}  # by the id of the operation
        self._finished: list[Result] = []
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="rawkv-exchange", daemon=True)
        self._thread.start()

    # ---- batches ----

    def get(self, keys: Sequence[str], buffers: Sequence[Any]) -> int:
        """Reads each value into its buffer. True: the value fills the buffer. False without an error: no such key, and
        the buffer is untouched."""
        def prepare() -> list[Callable[[], int]]:
            future.kept = reads = pack_reads(keys, buffers)
            future.long = not reads.short
            return [partial(self._session.submit_get, reads)]

        def finish(done: list[Done]) -> Outcome:
            verdicts, message = [], ""
            for i, (code, _, size, _) in enumerate(done[0].answers):
                whole = code == rawkv.OK and size == future.kept.sizes[i]
                verdicts.append(whole)
                if not whole and code != rawkv.NOT_FOUND and not message:
                    message = f"{keys[i]}: {self._reason(keys[i], buffers[i], code, size)}"
            return not message, message, verdicts

        future = _Future(len(keys), finish)
        return self._submit(future, prepare)

    def set(self, keys: Sequence[str], buffers: Sequence[Any]) -> int:
        """Stores all values with one commit, or none of them. A key that exists keeps its value."""
        def prepare() -> list[Callable[[], int]]:
            future.kept = puts = pack_puts(keys, buffers)
            return [partial(self._session.submit_puts, puts)]

        future = _Future(len(keys), lambda done: (True, "", [True] * len(keys)))
        return self._submit(future, prepare)

    def exists(self, keys: Sequence[str]) -> int:
        """Whether each key exists."""
        def prepare() -> list[Callable[[], int]]:
            future.kept = reads = pack_keys(keys)
            return [partial(self._session.submit_exists, reads)]

        future = _Future(len(keys), _existence)
        return self._submit(future, prepare)

    def delete(self, keys: Sequence[str]) -> int:
        """Removes all keys with one commit, or none of them. True: the key existed."""
        def prepare() -> list[Callable[[], int]]:
            future.kept = reads = pack_keys(keys)
            # The look-up finds the state before the commit: the session keeps the order of operations on a key.
            return [partial(self._session.submit_exists, reads), partial(self._session.submit_deletes, keys)]

        future = _Future(len(keys), _existence)
        return self._submit(future, prepare)

    # ---- results ----

    def event_fd(self) -> int:
        """An eventfd, non-blocking and closed on exec, that is readable while results wait. Only poll it."""
        return self._event_fd

    def drain(self) -> list[Result]:
        """The results that are ready, each exactly once. Never waits and never raises. Also after close."""
        with self._lock:
            finished, self._finished = self._finished, []
            if finished:
                try:
                    os.eventfd_read(self._event_fd)
                except OSError:
                    pass  # somebody else has read it
            if self._closed and self._event_fd >= 0 and not self._thread.is_alive():
                self._close_descriptor()
        return finished

    def close(self) -> None:
        """Refuses new batches, and returns after all input and output has ended. Idempotent.

        Results that were not drained yet can still be drained; the descriptor stays open until then. The store is left
        open.
        """
        with self._lock:
            self._closed = True
            self._work.notify()
        self._thread.join()
        self._session.close()
        with self._lock:
            if not self._finished:
                self._close_descriptor()

    def status(self) -> dict[str, Any]:
        """Whether the exchange works, and what is under way."""
        with self._lock:
            return {"is_healthy": self._thread.is_alive() and not self._closed, "under_way": self._operations,
                    "waiting": len(self._waiting), "undrained": len(self._finished)}

    def _close_descriptor(self) -> None:
        descriptor, self._event_fd = self._event_fd, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __del__(self) -> None:
        if getattr(self, "_event_fd", -1) >= 0 and self._closed:
            self._close_descriptor()

    # ---- inside ----

    def _submit(self, future: _Future, prepare: Callable[[], list[Callable[[], int]]]) -> int:
        failure = ""
        if future.keys != 0:
            try:
                future.steps = prepare()
            except Exception as error:  # noqa: BLE001: every wrong argument becomes a result
                failure = f"{type(error).__name__}: {error}"
        with self._lock:
            if self._closed:
                raise RuntimeError("the connector is closed")
            self._last_id += 1
            future.id = self._last_id
            if failure or future.keys == 0:
                future.release()
                self._finish(future, future.failed(failure) if failure else (True, "", []))
            elif self._waiting or not self._start(future):
                self._waiting.append(future)
            if self._idle:
                self._work.notify()
            return future.id

    def _start(self, future: _Future) -> bool:
        """Passes a future to the session. False: the session takes no more operations before some are drained."""
        if self._operations + len(future.steps) > self._operations_max:
            return False
        for step in future.steps:
            try:
                operation = step()
            except Exception as error:  # noqa: BLE001: the future fails, and the others continue
                future.failure = str(error)
                break
            future.accepted.append(operation)
            self._under_way[operation] = future
        self._operations += len(future.accepted)
        self._long += future.long and bool(future.accepted)
        if not future.accepted:
            future.release()
            self._finish(future, future.failed(future.failure))
        return True

    def _finish(self, future: _Future, outcome: Outcome) -> None:
        self._finished.append((future.id, *outcome))
        if len(self._finished) == 1:
            os.eventfd_write(self._event_fd, 1)

    def _run(self) -> None:
        while True:
            with self._lock:
                while not self._under_way and not self._waiting:
                    if self._closed:
                        return
                    self._idle = True
                    self._work.wait()
                    self._idle = False
            self._session.wait()
            # A long read that is submitted from now on may be drained with Python's lock held, once.
            completions = self._session.drain(short=self._long == 0)
            with self._lock:
                futures = [self._under_way.pop(done.id) for done in completions]
            ready = [(future, future.take(done)) for future, done in zip(futures, completions)]
            with self._lock:
                self._operations -= len(completions)
                for future, outcome in ready:
                    if outcome is not None:
                        self._long -= future.long
                        self._finish(future, outcome)
                while self._waiting and self._start(self._waiting[0]):
                    self._waiting.popleft()

    def _reason(self, key: str, buffer: Any, code: int, size: int) -> str:
        """Why a value does not fill its buffer. The session gives only a code, so the value is read again for the
        text."""
        try:
            found = size if code == rawkv.OK else self._store.get_into(key, buffer)
        except rawkv.RawkvError as error:
            return str(error)
        return f"the value has {found} bytes, and its buffer {memoryview(buffer).nbytes}"


def _existence(done: list[Done]) -> Outcome:
    wrong = next((code for code, *_ in done[0].answers if code not in (rawkv.OK, rawkv.NOT_FOUND)), None)
    return wrong is None, "" if wrong is None else code_name(wrong), [code == rawkv.OK for code, *_ in done[0].answers]
