#!/usr/bin/env python3
"""Measures RawkvConnector against the C++ session: connector_bench.py SESSION_ROUNDS_LIBRARY [--directory DIR]

The rates are batches a second. Both work in one process, on one store and in one arena, with rounds that take turns, so that other programs disturb both
alike. The host side of the connector is the one of LMCache: one thread submits, and one polls the descriptor and drains.
Prints a table with the median of each rate, and of the ratio of each round. RAWKV_LIBRARY names librawkv.so.
"""

from __future__ import annotations

import argparse
import ctypes
import mmap
import os
import pathlib
import select
import shutil
import statistics
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from rawkv_lmcache import RawkvConnector  # noqa: E402


class Host:
    """Submits batches, keeps `depth` of them under way, and drains in a thread of its own."""

    def __init__(self, connector: RawkvConnector, arena: memoryview, keys: int, value_bytes: int, depth: int) -> None:
        self.connector = connector
        views = [arena[at:at + value_bytes] for at in range(0, depth * keys * value_bytes, value_bytes)]
        self.keys = keys
        self.views = [views[place * keys:(place + 1) * keys] for place in range(depth)]
        self.room = threading.Semaphore(0)
        self.idle: list[int] = []
        self.place_of: dict[int, int] = {}
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.demux, daemon=True)
        self.left = 0
        self.all_done = threading.Event()
        self.thread.start()

    def demux(self) -> None:
        poller = select.poll()
        poller.register(self.connector.event_fd(), select.POLLIN)
        while not self.stop.is_set():
            if not poller.poll(100):
                continue
            for future, ok, error, _ in self.connector.drain_completions():
                assert ok, error
                with self.lock:
                    self.idle.append(self.place_of.pop(future))
                self.room.release()
                self.left -= 1
                if self.left == 0:
                    self.all_done.set()

    def round(self, prefix: str, operations: int, write: bool) -> float:
        self.idle = list(range(len(self.views)))
        self.room = threading.Semaphore(len(self.views))
        self.left = operations
        self.all_done.clear()
        submit = self.connector.submit_batch_set if write else self.connector.submit_batch_get
        begin = time.perf_counter()
        for operation in range(operations):
            self.room.acquire()
            with self.lock:
                place = self.idle.pop()
                keys = [f"{prefix}{operation}-{number}" for number in range(self.keys)]
                self.place_of[submit(keys, self.views[place])] = place
        self.all_done.wait()
        return time.perf_counter() - begin

    def close(self) -> None:
        self.stop.set()
        self.thread.join()


def measure(library: ctypes.CDLL, directory: str, value_bytes: int, keys: int, operations: int, depth: int,
            rounds: int) -> None:
    connector = RawkvConnector(os.path.join(directory, "store"), capacity="3GiB")
    arena_map = mmap.mmap(-1, depth * keys * value_bytes)
    arena = memoryview(arena_map)
    arena[:] = os.urandom(1 << 16) * (len(arena) >> 16)
    address = ctypes.addressof(ctypes.c_char.from_buffer(arena_map))
    store = connector._store  # noqa: SLF001: the same engine for both sides
    host = Host(connector, arena, keys, value_bytes, depth)

    def by_session(prefix: str, write: bool, poll: bool) -> float:
        with store.handle as pointer:
            return float(library.rawkv_bench_session_round(pointer, prefix.encode(), operations, depth, keys, address,
                                                           value_bytes, int(write), int(poll)))

    def clear(prefix: str) -> None:
        future = connector.submit_batch_delete([f"{prefix}{i}-{number}" for i in range(operations) for number in range(keys)])
        with host.lock:
            host.place_of[future] = 0
        while future in host.place_of:
            time.sleep(0.001)

    for write in (True, False):
        if not write:
            by_session("r", True, False)
        rates: dict[str, list[float]] = {"connector": [], "wait": [], "poll": []}
        for number in range(rounds + 1):
            prefix = {name: f"{name}{number}-" if write else "r" for name in rates}
            seconds = {"wait": by_session(prefix["wait"], write, False),
                       "connector": host.round(prefix["connector"], operations, write),
                       "poll": by_session(prefix["poll"], write, True)}
            if number > 0:  # the first round warms up
                for name, one in seconds.items():
                    rates[name].append(operations / one)
            if write:
                for one_prefix in prefix.values():
                    clear(one_prefix)
        ratio = {name: statistics.median(a / b for a, b in zip(rates["connector"], rates[name]))
                 for name in ("wait", "poll")}
        print(f"| {'set' if write else 'get'} of {keys} | {value_bytes >> 10} KiB | {depth} | "
              f"{statistics.median(rates['wait']):.0f} | {statistics.median(rates['poll']):.0f} | "
              f"{statistics.median(rates['connector']):.0f} | {ratio['wait']:.2f} | {ratio['poll']:.2f} |", flush=True)
    host.close()
    connector.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library")
    parser.add_argument("--directory", default=tempfile.gettempdir())
    parser.add_argument("--rounds", type=int, default=11)
    arguments = parser.parse_args()
    library = ctypes.CDLL(os.path.abspath(arguments.library))
    function = library.rawkv_bench_session_round
    function.restype = ctypes.c_double
    function.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint64, ctypes.c_size_t, ctypes.c_void_p,
                         ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int, ctypes.c_int)
    print("| batch | value | under way | C++ session, wait/s | C++ session, poll/s | connector/s | "
          "ratio to wait | ratio to poll |\n| --- | --- | --- | --- | --- | --- | --- | --- |")
    for value_bytes, keys, operations in ((4 << 20, 1, 64), (64 << 10, 1, 2000), (64 << 10, 8, 250)):
        directory = tempfile.mkdtemp(prefix="rawkv-connector-bench-", dir=arguments.directory)
        try:
            measure(library, directory, value_bytes, keys, operations, 16, arguments.rounds)
        finally:
            shutil.rmtree(directory)


if __name__ == "__main__":
    main()
