"""The host side of the contract between LMCache and a native plugin, for tests.

Submitting threads hold one lock during a submit call. One thread polls the event descriptor and then drains. All buffers
lie in one page-aligned arena, and have lengths that are not aligned. The future is registered after the submit call, still
under the lock, as LMCache does.
"""

import ctypes
import mmap
import random
import select
import threading

PAGE = 4096


class Arena:
    """Page-aligned memory that is divided into pieces of one size."""

    def __init__(self, pieces, piece_bytes):
        self.stride = -(-piece_bytes // PAGE) * PAGE
        self.map = mmap.mmap(-1, pieces * self.stride)
        self.view = memoryview(self.map)
        assert ctypes.addressof(ctypes.c_char.from_buffer(self.map)) % PAGE == 0
        self.free = list(range(pieces))
        self.lock = threading.Lock()

    def take(self, size):
        """(number, view) of a piece that nobody else has."""
        with self.lock:
            number = self.free.pop()
        return number, self.view[number * self.stride:number * self.stride + size]

    def give_back(self, number):
        with self.lock:
            self.free.append(number)


def content_of(key, size):
    """The one value that a key has in a test."""
    return random.Random(key).randbytes(size)


class Waiter:
    """One future: its result arrives from the demux thread."""

    def __init__(self):
        self.event = threading.Event()
        self.result = None  # (ok, error, verdicts)

    def wait(self):
        assert self.event.wait(60), "a future did not complete within a minute"
        return self.result


class Host:
    def __init__(self, connector):
        self.connector = connector
        self.lock = threading.Lock()
        self.pending = {}
        self.early = []  # completions of futures that are unknown; there must be none
        self.drained = 0
        self.stop = threading.Event()
        self.failure = None
        self.thread = threading.Thread(target=self.demux, name="demux", daemon=True)
        self.thread.start()

    def demux(self):
        try:
            poller = select.poll()
            poller.register(self.connector.event_fd(), select.POLLIN)
            while not self.stop.is_set():
                if not poller.poll(50):
                    continue
                self.take(self.connector.drain_completions())
        except BaseException as error:  # noqa: BLE001: shown by close
            self.failure = error

    def take(self, completions):
        with self.lock:
            for future, ok, error, verdicts in completions:
                self.drained += 1
                waiter = self.pending.pop(future, None)
                if waiter is None:
                    self.early.append(future)
                    continue
                waiter.result = (ok, error, verdicts)
                waiter.event.set()

    def submit(self, call, *arguments):
        waiter = Waiter()
        with self.lock:
            future = getattr(self.connector, f"submit_batch_{call}")(*arguments)
            assert future not in self.pending
            self.pending[future] = waiter
        return waiter

    def do(self, call, *arguments):
        """(ok, error, verdicts) of one batch."""
        return self.submit(call, *arguments).wait()

    def set_values(self, arena, values):
        """Stores {key: bytes} with one batch."""
        pieces = [arena.take(len(value)) for value in values.values()]
        for (_, view), value in zip(pieces, values.values()):
            view[:] = value
        result = self.do("set", list(values), [view for _, view in pieces])
        for number, _ in pieces:
            arena.give_back(number)
        return result

    def get_values(self, arena, sizes):
        """Reads {key: size} with one batch: (ok, error, {key: bytes, or None for a verdict False})."""
        pieces = [arena.take(size) for size in sizes.values()]
        ok, error, verdicts = self.do("get", list(sizes), [view for _, view in pieces])
        values = {key: bytes(view) if verdict else None
                  for key, (_, view), verdict in zip(sizes, pieces, verdicts)}
        for number, _ in pieces:
            arena.give_back(number)
        return ok, error, values

    def close(self):
        """As LMCache does: ends its thread first, then closes the connector. The rest is drained afterwards."""
        self.stop.set()
        self.thread.join()
        self.connector.close()
        self.take(self.connector.drain_completions())
        if self.failure is not None:
            raise self.failure
        assert self.early == []
        assert self.pending == {}, "futures leaked"
