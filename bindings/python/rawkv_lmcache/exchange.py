"""Batches of reads and writes that are under way, as futures with one event descriptor."""

from __future__ import annotations

import os
import threading
from collections import deque
from typing import Any, Callable, List, Optional, Sequence, Tuple

import rawkv

# A result: the id of the future, whether the batch succeeded, the text of its error, and one verdict for each key.
Result = Tuple[int, bool, str, Optional[List[bool]]]
Outcome = Tuple[bool, str, List[bool]]


class _Future:
    """One batch: the steps that submit its operations, and the function that makes the result of their completions."""

    __slots__ = ("id", "keys", "steps", "finish", "failure", "accepted", "completions")

    def __init__(self, keys: int, steps: list[Callable[[], int]],
                 finish: Callable[[list[rawkv.Completion]], Outcome]) -> None:
        self.id = 0
        self.keys = keys
        self.steps = steps
        self.finish = finish
        self.failure = ""  # of a step, although earlier steps were accepted
        self.accepted: list[int] = []  # operations, in the order of the steps
        self.completions: dict[int, rawkv.Completion] = {}

    def failed(self, message: str) -> Outcome:
        return False, message, [False] * self.keys

    def take(self, completion: rawkv.Completion) -> Outcome | None:
        """Keeps the completion of an operation. The outcome of the batch if it was the last one."""
        self.completions[completion.id] = completion
        if len(self.completions) < len(self.accepted):
            return None
        done = [self.completions[operation] for operation in self.accepted]
        message = self.failure or next((one.message for one in done if not one.ok), "")
        try:
            return self.failed(message) if message else self.finish(done)
        except Exception as error:  # noqa: BLE001: a result, and never the end of the thread
            return self.failed(f"{type(error).__name__}: {error}")
        finally:
            self.steps, self.finish = [], _no_finish  # they reference the caller's memory


def _no_finish(_: list[rawkv.Completion]) -> Outcome:
    raise AssertionError("a future finishes once")


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
        self._session = store.session(operations_max=operations_max, bytes_in_flight_max=bytes_in_flight_max)
        self._operations_max = operations_max
        self._event_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)  # the thread waits for it without an operation under way
        self._idle = False  # whether the thread does so
        self._operations = 0  # in the session
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
        array: Any = None

        def prepare() -> None:
            nonlocal array
            array = rawkv.ReadArray(keys, buffers)

        def finish(done: list[rawkv.Completion]) -> Outcome:
            verdicts, message = [], ""
            for i, answer in enumerate(done[0].answers):
                wanted = array.reads[i].out_size
                verdicts.append(answer.ok and answer.size == wanted)
                if not verdicts[i] and answer.code != rawkv.NOT_FOUND and not message:
                    message = f"{keys[i]}: {self._reason(keys[i], buffers[i], answer)}"
            return not message, message, verdicts

        return self._submit(_Future(len(keys), [lambda: self._session.submit_reads("rawkv_session_get", array)],
                                    finish), prepare)

    def set(self, keys: Sequence[str], buffers: Sequence[Any]) -> int:
        """Stores all values with one commit, or none of them. A key that exists keeps its value."""
        batch: Any = None

        def prepare() -> None:
            nonlocal batch
            if len(keys) != len(buffers):
                raise ValueError(f"{len(keys)} keys need as many buffers, not {len(buffers)}")
            batch = rawkv.Batch()
            for key, buffer in zip(keys, buffers):
                batch.put(key, buffer, if_absent=True, borrow=True)

        return self._submit(_Future(len(keys), [lambda: self._session.submit_commit(batch)],
                                    lambda done: (True, "", [True] * len(keys))), prepare)

    def exists(self, keys: Sequence[str]) -> int:
        """Whether each key exists."""
        array: Any = None

        def prepare() -> None:
            nonlocal array
            array = rawkv.ReadArray(keys, None)

        return self._submit(_Future(len(keys), [lambda: self._session.submit_reads("rawkv_session_exists", array)],
                                    lambda done: _existence(done[0])), prepare)

    def delete(self, keys: Sequence[str]) -> int:
        """Removes all keys with one commit, or none of them. True: the key existed."""
        array: Any = None
        batch: Any = None

        def prepare() -> None:
            nonlocal array, batch
            array, batch = rawkv.ReadArray(keys, None), rawkv.Batch()
            for key in keys:
                batch.delete(key)

        # The look-up finds the state before the commit, because the session keeps the order of operations on a key.
        steps = [lambda: self._session.submit_reads("rawkv_session_exists", array),
                 lambda: self._session.submit_commit(batch)]
        return self._submit(_Future(len(keys), steps, lambda done: _existence(done[0])), prepare)

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

    def _submit(self, future: _Future, prepare: Callable[[], None]) -> int:
        failure = ""
        if future.keys != 0:
            try:
                prepare()
            except Exception as error:  # noqa: BLE001: every wrong argument becomes a result
                failure = f"{type(error).__name__}: {error}"
        with self._lock:
            if self._closed:
                raise RuntimeError("the connector is closed")
            self._last_id += 1
            future.id = self._last_id
            if failure or future.keys == 0:
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
        if not future.accepted:
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
            completions = self._session.drain()
            with self._lock:
                futures = [self._under_way.pop(completion.id) for completion in completions]
            ready = [(future, future.take(completion)) for future, completion in zip(futures, completions)]
            with self._lock:
                self._operations -= len(completions)
                for future, outcome in ready:
                    if outcome is not None:
                        self._finish(future, outcome)
                while self._waiting and self._start(self._waiting[0]):
                    self._waiting.popleft()

    def _reason(self, key: str, buffer: Any, answer: rawkv.ReadResult) -> str:
        """Why a value does not fill its buffer. The session gives only a code, so the value is read again for the
        text."""
        try:
            size = answer.size if answer.ok else self._store.get_into(key, buffer)
        except rawkv.RawkvError as error:
            return str(error)
        return f"the value has {size} bytes, and its buffer {memoryview(buffer).nbytes}"


def _existence(done: rawkv.Completion) -> Outcome:
    wrong = next((answer for answer in done.answers if answer.code not in (rawkv.OK, rawkv.NOT_FOUND)), None)
    message = "" if wrong is None else str(wrong.error())
    return wrong is None, message, [answer.ok for answer in done.answers]
