"""The adapter for LMCache's multi-process mode, L2 adapter `plugin`."""

from __future__ import annotations

import itertools
import logging
import os
import select
import threading
from collections import Counter
from typing import Any, Sequence

import rawkv

from . import host_types
from .exchange import Exchange, Result
from .host_types import key_text
from .store import open_cache_store

_SIZES_AT_ONCE = 1000
_log = logging.getLogger("rawkv.lmcache")


class RawkvL2AdapterConfig:
    """The configuration: the parameters of RawkvConnector, and max_capacity_gb, the capacity that LMCache's eviction
    counts with (0: LMCache does not evict by use)."""

    def __init__(self, directory: str, max_capacity_gb: float = 0, operations_max: int = 4096,
                 bytes_in_flight_max: int | str = "64MiB", **store_parameters: Any) -> None:
        self.directory = directory
        self.max_capacity_gb = max_capacity_gb
        self.operations_max = operations_max
        self.bytes_in_flight_max = bytes_in_flight_max
        self.store_parameters = store_parameters

    @classmethod
    def from_dict(cls, parameters: dict[str, Any]) -> RawkvL2AdapterConfig:
        """From the JSON object of the configuration, or from its part `adapter_params`."""
        return cls(**parameters.get("adapter_params", parameters))

    @classmethod
    def from_any(cls, config: Any) -> RawkvL2AdapterConfig:
        """From what LMCache passes to the constructor: this class, a dictionary, or an object with adapter_params."""
        if isinstance(config, cls):
            return config
        return cls.from_dict(config if isinstance(config, dict) else config.adapter_params)

    @staticmethod
    def help() -> str:
        return "The parameters are those of rawkv_lmcache.RawkvConnector, and max_capacity_gb."


class _Task:
    """A task of the host that is under way."""

    def __init__(self, kind: str, keys: Sequence[Any], texts: list[str], sizes: list[int]) -> None:
        self.kind = kind
        self.keys = list(keys)
        self.texts = texts
        self.sizes = sizes
        self.done = threading.Event()  # of a delete
        self.id = 0


class RawkvL2Adapter(host_types.AdapterBase):  # type: ignore[misc]  # LMCache's class where it is installed
    """Stores the chunks of a KV cache in a rawkv store.

    A look-up locks each key that it finds: delete leaves a locked key as it is, until submit_unlock was called as often as
    the key was locked. The use is counted from the store itself when it is opened, so a restart does not lose it.
    Thread-safe. The constructor raises rawkv.RawkvError if the store cannot be opened or made.
    """

    def __init__(self, config: Any, l1_memory_desc: Any = None, *_: Any, **__: Any) -> None:
        self._config = RawkvL2AdapterConfig.from_any(config)
        self._capacity_bytes = int(self._config.max_capacity_gb * (1 << 30))
        try:
            super().__init__(max_capacity_bytes=self._capacity_bytes)
        except TypeError:
            super().__init__()  # an older LMCache
        self._store = open_cache_store(self._config.directory, **self._config.store_parameters)
        try:
            self._sizes: dict[str, int] = dict(_stored_sizes(self._store))
            self._exchange = Exchange(self._store, operations_max=self._config.operations_max,
                                      bytes_in_flight_max=self._config.bytes_in_flight_max)
        except BaseException:
            self._store.close()
            raise
        self._used = sum(self._sizes.values())
        self._used_by_salt: Counter[str] = Counter()
        for text, size in self._sizes.items():
            self._used_by_salt[host_types.salt_of(text)] += size
        self._lock = threading.Lock()  # guards everything below, and `_sizes` and the use
        self._locks: Counter[str] = Counter()
        self._tasks: dict[int, _Task] = {}  # by future
        self._task_ids = itertools.count(1)
        self._stored: dict[int, Any] = {}
        self._looked_up: dict[int, Any] = {}
        self._loaded: dict[int, Any] = {}
        self._last_error = ""
        flags = os.EFD_NONBLOCK | os.EFD_CLOEXEC
        self._descriptors: dict[str, int] = {kind: os.eventfd(0, flags) for kind in ("store", "lookup", "load", "stop")}
        self._thread = threading.Thread(target=self._run, name="rawkv-l2-adapter", daemon=True)
        self._thread.start()

    # ---- descriptors ----

    def get_store_event_fd(self) -> int:
        return self._descriptors["store"]

    def get_lookup_and_lock_event_fd(self) -> int:
        return self._descriptors["lookup"]

    def get_load_event_fd(self) -> int:
        return self._descriptors["load"]

    # ---- tasks ----

    def submit_store_task(self, keys: Sequence[Any], objects: Sequence[Any]) -> int:
        """Stores all objects with one commit, or none of them. A key that exists keeps its value."""
        views = [_view_of(one) for one in objects]
        return self._submit("store", keys, [view.nbytes for view in views],
                            lambda texts: self._exchange.set(texts, views))

    def pop_completed_store_tasks(self) -> dict[int, Any]:
        """{task: result}; the bytes of a result are those of the keys that were new."""
        with self._lock:
            stored, self._stored = self._stored, {}
        return stored

    def submit_lookup_and_lock_task(self, keys: Sequence[Any], *_: Any, **__: Any) -> int:
        """Finds out which keys exist, and locks those."""
        return self._submit("lookup", keys, [], self._exchange.exists)

    def query_lookup_and_lock_result(self, task_id: int) -> Any:
        """A bitmap of the keys that exist, once. None: the task is under way, or its result was read."""
        with self._lock:
            return self._looked_up.pop(task_id, None)

    def submit_unlock(self, keys: Sequence[Any]) -> None:
        """Takes back one lock of each key. A key without a lock is ignored."""
        with self._lock:
            for key in keys:
                self._unlock(key_text(key))

    def submit_load_task(self, keys: Sequence[Any], objects: Sequence[Any]) -> int:
        """Reads each value into its object."""
        views = [_view_of(one) for one in objects]
        return self._submit("load", keys, [], lambda texts: self._exchange.get(texts, views))

    def query_load_result(self, task_id: int) -> Any:
        """A bitmap of the keys that were loaded, once. None: the task is under way, or its result was read."""
        with self._lock:
            return self._loaded.pop(task_id, None)

    # ---- eviction and status ----

    def delete(self, keys: Sequence[Any]) -> None:
        """Removes the keys that no look-up has locked, and returns when they are gone or the removal has failed."""
        task = _Task("delete", [], [], [])
        with self._lock:
            # A look-up counts its locks under the same mutex before it is submitted, so no key is locked in between.
            for key in keys:
                if self._locks[key_text(key)] == 0:
                    task.keys.append(key)
                    task.texts.append(key_text(key))
            if not task.keys:
                return
            self._tasks[self._exchange.delete(task.texts)] = task
        task.done.wait()

    def list_l2_keys(self, model_name: str | None = None, page_size: int = 500, cursor: str | None = None) -> Any:
        """A page of the stored keys of one model or of all, in the order of their bytes. ValueError: page_size is not
        positive, or the cursor is not one of an earlier page."""
        if page_size <= 0:
            raise ValueError("page_size must be positive")
        prefix = f"{model_name}@".encode() if model_name is not None else b""
        begin = bytes.fromhex(cursor) + b"\0" if cursor is not None else prefix
        entries: list[Any] = []
        last = b""
        for key in self._store.keys(lower=begin or None):
            if not key.startswith(prefix):
                break
            if len(entries) == page_size:
                return host_types.KeyListPage(entries=tuple(entries), next_page_token=last.hex())
            text = key.decode("utf-8", "surrogatepass")
            encoded = host_types.encoded_key(text)
            with self._lock:
                size = self._sizes.get(text)
            if encoded is not None and size is not None:
                entries.append(host_types.KeyEntry(key=encoded, size_bytes=size))
                last = key
        return host_types.KeyListPage(entries=tuple(entries), next_page_token=None)

    def get_usage(self) -> Any:
        """The bytes of all stored values, and the configured capacity."""
        with self._lock:
            return host_types.Usage(total_bytes_used=self._used, total_capacity_bytes=self._capacity_bytes,
                                    bytes_by_cache_salt={salt: size for salt, size in self._used_by_salt.items() if size})

    def report_status(self) -> dict[str, Any]:
        """is_healthy is False once the thread has ended or the store refuses commits after a failed sync."""
        with self._lock:
            status = {"type": "rawkv", "last_error": self._last_error, "locked_keys": len(+self._locks),
                      "keys": len(self._sizes)}
        exchange = self._exchange.status()
        healthy = exchange.pop("is_healthy") and self._thread.is_alive() and "poisoned" not in str(status["last_error"])
        return {**exchange, **status, "is_healthy": healthy}

    def close(self) -> None:
        """Returns after all input and output has ended. Idempotent. The descriptors are closed."""
        self._exchange.close()
        with self._lock:
            descriptors, self._descriptors = self._descriptors, {}
        if not descriptors:
            return
        os.eventfd_write(descriptors["stop"], 1)
        self._thread.join()
        for descriptor in descriptors.values():
            os.close(descriptor)
        self._store.close()

    # ---- inside ----

    def _submit(self, kind: str, keys: Sequence[Any], sizes: list[int], submit: Any) -> int:
        task = _Task(kind, keys, [key_text(key) for key in keys], sizes)
        with self._lock:
            task.id = next(self._task_ids)
            future = submit(task.texts)
            self._tasks[future] = task
            if kind == "lookup":
                # A delete that is submitted from now on leaves the keys. Those that do not exist lose the lock again.
                self._locks.update(task.texts)
        return task.id

    def _unlock(self, text: str) -> None:
        if self._locks[text] <= 1:
            del self._locks[text]
        else:
            self._locks[text] -= 1

    def _run(self) -> None:
        poller = select.poll()
        stop = self._descriptors["stop"]
        exchange = self._exchange.event_fd()
        poller.register(exchange, select.POLLIN)
        poller.register(stop, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _ in poller.poll()}
            for result in self._exchange.drain():
                self._take(result)
            if stop in ready:  # the exchange is closed, and its last results are taken
                return

    def _take(self, result: Result) -> None:
        future, ok, error, verdicts = result
        with self._lock:
            task = self._tasks.pop(future)
            if not ok:
                self._last_error = error
            notify = getattr(self, f"_take_{task.kind}")(task, ok, verdicts or [])
            descriptor = self._descriptors.get(task.kind)
            if descriptor is not None:
                os.eventfd_write(descriptor, 1)
        try:
            notify()  # without the mutex, since a listener may call the adapter
        except Exception:  # noqa: BLE001: of a listener; the results of other tasks must still arrive
            _log.exception("a listener of LMCache has failed")
        task.done.set()

    def _take_store(self, task: _Task, ok: bool, verdicts: list[bool]) -> Any:
        new = []
        for text, size in zip(task.texts, task.sizes):
            new.append(size if ok and text not in self._sizes else 0)
            if ok and text not in self._sizes:
                self._sizes[text] = size
                self._count(text, size)
        self._stored[task.id] = host_types.StoreResult(ok, sum(new))
        return lambda: self._notify_keys_stored(task.keys, new) if ok and task.keys else None

    def _take_lookup(self, task: _Task, ok: bool, verdicts: list[bool]) -> Any:
        for text, found in zip(task.texts, verdicts):
            if not found:
                self._unlock(text)
        self._looked_up[task.id] = _bitmap(verdicts)
        return lambda: None

    def _take_load(self, task: _Task, ok: bool, verdicts: list[bool]) -> Any:
        self._loaded[task.id] = _bitmap(verdicts)
        loaded = [key for key, found in zip(task.keys, verdicts) if found]
        return lambda: self._notify_keys_accessed(loaded) if loaded else None

    def _take_delete(self, task: _Task, ok: bool, verdicts: list[bool]) -> Any:
        deleted, sizes = [], []
        for key, text in zip(task.keys, task.texts) if ok else ():
            size = self._sizes.pop(text, None)
            if size is not None:
                self._count(text, -size)
                deleted.append(key)
                sizes.append(size)
        return lambda: self._notify_keys_deleted(deleted, sizes) if deleted else None

    def _count(self, text: str, size: int) -> None:
        self._used += size
        self._used_by_salt[host_types.salt_of(text)] += size


def _view_of(memory_object: Any) -> memoryview:
    """The bytes of LMCache's MemoryObj, or of any buffer."""
    return memoryview(getattr(memory_object, "byte_array", memory_object))


def _bitmap(verdicts: list[bool]) -> Any:
    made = host_types.Bitmap(len(verdicts))
    for index, found in enumerate(verdicts):
        if found:
            made.set(index)
    return made


def _stored_sizes(store: rawkv.Engine) -> Any:
    """(key, size) of each stored value. Reads keys only: a read into no memory fails with the length of the value."""
    keys = iter(store.keys())
    while True:
        some = list(itertools.islice(keys, _SIZES_AT_ONCE))
        if not some:
            return
        for key, answer in zip(some, store.multi_get_into(some, [bytearray()] * len(some))):
            if answer.code in (rawkv.OK, rawkv.INVALID_ARGUMENT):
                yield key.decode("utf-8", "surrogatepass"), answer.size
