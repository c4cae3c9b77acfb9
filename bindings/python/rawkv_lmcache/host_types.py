"""The types that an adapter shares with LMCache: LMCache's own where it is installed, otherwise types that act alike.

LMCache has moved and changed these types several times, so each is looked up by itself. The types of this file let the
adapter work, and be tested, without LMCache.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import Any, Mapping


class OwnAdapterBase:
    """What the adapter uses of L2AdapterInterface: listeners."""

    def __init__(self, max_capacity_bytes: int = 0) -> None:
        self._max_capacity_bytes = max_capacity_bytes
        self._listeners: list[Any] = []

    def register_listener(self, listener: Any) -> None:
        self._listeners.append(listener)

    @property
    def supports_global_eviction(self) -> bool:
        return self._max_capacity_bytes > 0

    def _notify_keys_stored(self, keys: list[Any], sizes: list[int]) -> None:
        for listener in self._listeners:
            listener.on_l2_keys_stored(keys, sizes)

    def _notify_keys_accessed(self, keys: list[Any]) -> None:
        for listener in self._listeners:
            listener.on_l2_keys_accessed(keys)

    def _notify_keys_deleted(self, keys: list[Any], sizes: list[int]) -> None:
        for listener in self._listeners:
            listener.on_l2_keys_deleted(keys)


class OwnBitmap:
    """One bit for each key."""

    def __init__(self, size: int) -> None:
        self._bits = [False] * size

    def set(self, index: int) -> None:
        self._bits[index] = True

    def test(self, index: int) -> bool:
        return self._bits[index]

    def __len__(self) -> int:
        return len(self._bits)


@dataclass(frozen=True)
class OwnStoreResult:
    success: bool
    bytes: int

    def is_successful(self) -> bool:
        return self.success

    def bytes_transferred(self) -> int:
        return self.bytes


@dataclass(frozen=True)
class OwnUsage:
    total_bytes_used: int
    total_capacity_bytes: int
    bytes_by_cache_salt: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class OwnKey:
    chunk_hash: bytes
    model_name: str
    kv_rank: int
    object_group_id: int = 0
    cache_salt: str = ""


@dataclass(frozen=True)
class OwnEncodedKey:
    chunk_hash_hex: str
    model_name: str
    kv_rank: int
    object_group_id: int = 0
    cache_salt: str = ""


@dataclass(frozen=True)
class OwnKeyEntry:
    key: Any
    size_bytes: int


@dataclass(frozen=True)
class OwnKeyListPage:
    entries: tuple[Any, ...]
    next_page_token: str | None


def _find(name: str, modules: tuple[str, ...], own: Any) -> Any:
    for module in modules:
        try:
            return getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError):
            continue
    return own


_L2 = "lmcache.v1.distributed"
AdapterBase = _find("L2AdapterInterface", (f"{_L2}.l2_adapters.base",), OwnAdapterBase)
Usage = _find("AdapterUsage", (f"{_L2}.l2_adapters.base",), OwnUsage)
StoreResult = _find("L2StoreResult", (f"{_L2}.internal_api",), OwnStoreResult)
Bitmap = _find("Bitmap", ("lmcache.lmcache_native", "lmcache.native_storage_ops"), OwnBitmap)
EncodedKey = _find("EncodedObjectKey", (f"{_L2}.api",), OwnEncodedKey)
KeyEntry = _find("KeyEntry", (f"{_L2}.api",), OwnKeyEntry)
KeyListPage = _find("KeyListPage", (f"{_L2}.api",), OwnKeyListPage)


def key_text(key: Any) -> str:
    """The text under which a key is stored: model@rank@group@hash, and @salt if there is one. LMCache's native plugin
    uses the same text, so both adapters read one store."""
    base = f"{key.model_name}@{key.kv_rank:08x}@{key.object_group_id:x}@{key.chunk_hash.hex()}"
    return f"{base}@{key.cache_salt}" if key.cache_salt else base


def encoded_key(text: str) -> Any:
    """The parts of a stored key, or None if it is not the text of one."""
    parts = text.split("@")
    if len(parts) not in (4, 5):
        return None
    try:
        return EncodedKey(chunk_hash_hex=parts[3], model_name=parts[0], kv_rank=int(parts[1], 16),
                          object_group_id=int(parts[2], 16), cache_salt=parts[4] if len(parts) == 5 else "")
    except ValueError:
        return None


def salt_of(text: str) -> str:
    """The cache salt of a stored key, or an empty text."""
    parts = text.split("@")
    return parts[4] if len(parts) == 5 else ""
