"""The storage backend for SGLang's HiCache, backend `dynamic`."""

from __future__ import annotations

import ctypes
import functools
import importlib
import logging
import threading
from typing import Any, Callable, Sequence, TypeVar

import rawkv
from rawkv_lmcache.store import open_cache_store

_log = logging.getLogger("rawkv.hicache")
_Method = TypeVar("_Method", bound=Callable[..., Any])


def _base() -> Any:
    try:
        return importlib.import_module("sglang.srt.mem_cache.hicache_storage").HiCacheStorage
    except (ImportError, AttributeError):
        return object


def _never_raises(failure: Callable[[tuple[Any, ...]], Any]) -> Callable[[_Method], _Method]:
    """Logs an exception and returns failure(arguments), since an exception ends the thread of SGLang that calls."""
    def decorate(method: _Method) -> _Method:
        @functools.wraps(method)
        def guarded(self: RawkvHiCache, *arguments: Any, **keywords: Any) -> Any:
            try:
                return method(self, *arguments, **keywords)
            except Exception as error:  # noqa: BLE001
                self._count("errors", 1)
                _log.warning("%s: %s: %s", method.__name__, type(error).__name__, error)
                return failure(arguments)

        return guarded  # type: ignore[return-value]

    return decorate


def _all_false(arguments: tuple[Any, ...]) -> list[bool]:
    try:
        return [False] * len(arguments[0])
    except Exception:  # noqa: BLE001: without keys
        return []


class RawkvHiCache(_base()):  # type: ignore[misc]  # SGLang's class where it is installed
    """Stores the pages of a KV cache in a rawkv store. SGLang makes one with cls(storage_config, kwargs).

    `kwargs` has the parameters of rawkv_lmcache.RawkvConnector that concern the store; they may also stand in
    storage_config.extra_config. Other keys of SGLang in there are ignored. A store has one writer, so each rank needs a
    store of its own: {tp_rank} and {pp_rank} in `directory` and `device` become the numbers of the rank. The constructor
    raises if the store cannot be opened. No other call raises: a failure is logged, and counts as a miss or as not stored. Thread-safe.

    The keys of a page contain the model and, because each rank has another part of a page, the rank: not for MLA models,
    where all ranks have the same pages.
    """

    PARAMETERS = ("directory", "device", "capacity", "engine", "slot_bytes", "inline_bytes", "format_if_missing",
                  "durability", "memtable_bytes", "block_cache_bytes", "queue_depth", "discard_freed")

    def __init__(self, storage_config: Any = None, kwargs: dict[str, Any] | None = None, **more: Any) -> None:
        given = {**(getattr(storage_config, "extra_config", None) or {}), **(kwargs or {}), **more}
        parameters = {name: given[name] for name in self.PARAMETERS if name in given}
        if "directory" not in parameters:
            raise ValueError("the backend needs the parameter `directory`: where the store is")
        model = (getattr(storage_config, "model_name", None) or "").replace("/", "-")
        suffix = f"_{model}" if model else ""
        if storage_config is not None and not getattr(storage_config, "is_mla_model", False):
            suffix += f"_{getattr(storage_config, 'tp_rank', 0)}_{getattr(storage_config, 'tp_size', 1)}"
        if getattr(storage_config, "pp_size", 1) > 1:
            suffix += f"_p{storage_config.pp_rank}"
        self._suffix = suffix
        ranks = {name: getattr(storage_config, name, 0) for name in ("tp_rank", "pp_rank")}
        for name in ("directory", "device"):
            if parameters.get(name):
                parameters[name] = parameters[name].format(**ranks)
        self._pool: Any = None
        self._lock = threading.Lock()
        self._stats = {"hits": 0, "misses": 0, "stored": 0, "errors": 0}
        self._store = open_cache_store(**parameters)

    def register_mem_pool_host(self, mem_pool_host: Any) -> None:
        """Names the pool whose pages batch_get_v1 and batch_set_v1 read and write."""
        self._pool = self.mem_pool_host = mem_pool_host

    # ---- pages of the pool ----

    @_never_raises(lambda arguments: 0)
    def batch_exists(self, keys: Sequence[str], extra_info: Any = None) -> int:
        """The number of pages that are stored, from the first one on."""
        # The first part stands for the page, because one commit stores all parts. Reads no value: a value does not fit
        # into no memory, which is an answer with another code than that of a missing key.
        answers = self._store.multi_get_into([self._names(key, 1)[0] for key in keys], [bytearray()] * len(keys))
        found = [answer.code in (rawkv.OK, rawkv.INVALID_ARGUMENT) for answer in answers]
        return found.index(False) if False in found else len(found)

    @_never_raises(_all_false)
    def batch_get_v1(self, keys: Sequence[str], host_indices: Any, extra_info: Any = None) -> list[bool]:
        """Reads pages directly into the pool. True: every part of the page was read as a whole."""
        names, memory, parts = self._pages(keys, host_indices)
        answers = self._store.multi_get_into(names, memory)
        whole = [answer.ok and answer.size == len(one) for answer, one in zip(answers, memory)]
        return self._hits([all(whole[i:i + parts]) for i in range(0, len(whole), parts)])

    @_never_raises(_all_false)
    def batch_set_v1(self, keys: Sequence[str], host_indices: Any, extra_info: Any = None) -> list[bool]:
        """Stores pages directly from the pool, with one commit. A page that exists keeps its value, and is True."""
        names, memory, _ = self._pages(keys, host_indices)
        self._commit(names, memory)
        return [True] * len(keys)

    # ---- single values ----

    @_never_raises(lambda arguments: None)
    def get(self, key: str, target_location: Any = None, target_sizes: Any = None) -> Any:
        """Reads a value into `target_location`, a tensor in host memory or a buffer, and returns it. None: a miss."""
        return self.batch_get([key], [target_location], None if target_sizes is None else [target_sizes])[0]

    @_never_raises(lambda arguments: [None] * len(_all_false(arguments)))
    def batch_get(self, keys: Sequence[str], target_locations: Any = None, target_sizes: Any = None) -> list[Any]:
        """The targets of the keys that were read, and None for each other key."""
        memory = [_memory_of(target, size) for target, size in
                  zip(target_locations, target_sizes if target_sizes is not None else [None] * len(keys))]
        answers = self._store.multi_get_into([name for key in keys for name in self._names(key, 1)], memory)
        hits = self._hits([answer.ok and answer.size == memoryview(one).nbytes
                           for answer, one in zip(answers, memory)])
        return [target if hit else None for target, hit in zip(target_locations, hits)]

    @_never_raises(lambda arguments: False)
    def set(self, key: str, value: Any = None, target_location: Any = None, target_sizes: Any = None) -> bool:
        """Stores a value: a tensor in host memory, or a buffer. True also if the key exists."""
        return bool(self.batch_set([key], [value if value is not None else target_location],
                                   target_sizes=None if target_sizes is None else [target_sizes]))

    @_never_raises(lambda arguments: False)
    def batch_set(self, keys: Sequence[str], values: Any = None, target_locations: Any = None,
                  target_sizes: Any = None) -> bool:
        """Stores all values with one commit, or none of them."""
        sources = values if values is not None else target_locations
        memory = [_memory_of(source, size) for source, size in
                  zip(sources, target_sizes if target_sizes is not None else [None] * len(keys))]
        if len(memory) != len(keys):
            raise ValueError(f"{len(keys)} keys need as many values, not {len(memory)}")
        self._commit([name for key in keys for name in self._names(key, 1)], memory)
        return True

    @_never_raises(lambda arguments: False)
    def exists(self, key: str) -> bool:
        return self._store.exists(self._names(key, 1)[0])

    @_never_raises(lambda arguments: None)
    def clear(self) -> None:
        """Removes all keys of the store, also those of other ranks that use it."""
        with rawkv.Batch() as batch:
            batch.delete_range(b"\0")
            self._store.commit(batch)

    @_never_raises(lambda arguments: None)
    def get_stats(self) -> dict[str, int] | None:
        """Counters since the open, of this object and of the store."""
        with self._lock:
            own = dict(self._stats)
        return {**self._store.stats(), **own}

    @_never_raises(lambda arguments: None)
    def close(self) -> None:
        """Closes the store. Idempotent. Every later call is a miss."""
        self._store.close()

    # ---- inside ----

    def _names(self, key: str, parts: int) -> list[str]:
        return [f"{key}{self._suffix}"] + [f"{key}{self._suffix}_{part}" for part in range(1, parts)]

    def _pages(self, keys: Sequence[str], host_indices: Any) -> tuple[list[str], list[Any], int]:
        """Names and memory of all parts of the pages."""
        if self._pool is None:
            raise RuntimeError("register_mem_pool_host was not called")
        pointers, sizes = self._pool.get_page_buffer_meta(host_indices)
        parts = len(pointers) // len(keys) if keys else 1
        if parts == 0 or parts * len(keys) != len(pointers) or len(sizes) != len(pointers):
            raise ValueError(f"{len(keys)} pages have {len(pointers)} pieces of memory and {len(sizes)} sizes")
        names = [name for key in keys for name in self._names(key, parts)]
        return names, [(ctypes.c_char * size).from_address(pointer) for pointer, size in zip(pointers, sizes)], parts

    def _commit(self, names: list[str], memory: list[Any]) -> None:
        with rawkv.Batch() as batch:
            for name, one in zip(names, memory):
                batch.put(name, one, if_absent=True, borrow=True)
            self._store.commit(batch)
        self._count("stored", len(names))

    def _hits(self, hits: list[bool]) -> list[bool]:
        self._count("hits", sum(hits))
        self._count("misses", len(hits) - sum(hits))
        return hits

    def _count(self, name: str, number: int) -> None:
        with self._lock:
            self._stats[name] += number


def _memory_of(target: Any, size: Any) -> Any:
    """The memory of a tensor, of an address with a size, or of a buffer."""
    if hasattr(target, "data_ptr"):
        return (ctypes.c_char * (target.numel() * target.element_size())).from_address(target.data_ptr())
    if isinstance(target, int):
        return (ctypes.c_char * int(size)).from_address(target)
    if target is None:
        raise ValueError("a value needs memory")
    return target
