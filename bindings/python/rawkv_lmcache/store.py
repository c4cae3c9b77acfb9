"""Opens the store of a cache, and makes it if it is missing."""

from __future__ import annotations

import os

import rawkv

_PROBE_BYTES = 1 << 20


def open_cache_store(directory: str, *, device: str | None = None, capacity: str | int = "64GiB",
                     engine: str = "auto", slot_bytes: int | str = "64KiB", inline_bytes: int | str | None = None,
                     format_if_missing: bool = True, durability: str = "synced",
                     memtable_bytes: int | str | None = None, block_cache_bytes: int | str | None = None,
                     queue_depth: int | None = None, discard_freed: bool = False) -> rawkv.Engine:
    """Opens the store in `directory`. The parameters are those of RawkvConnector.

    A store that is missing is made if `format_if_missing` is set. A device or a device file that holds anything else is
    never formatted: FailedPreconditionError.
    """
    if not directory:
        raise ValueError("the connector needs the parameter `directory`: where the store is")
    # A cache never goes back to an older state, so history would only take room: no records for an undo, and no
    # snapshot besides the newest one.
    options: dict[str, object] = {
        "device": device, "engine": engine, "durability": durability, "memtable_bytes": memtable_bytes,
        "block_cache_bytes": block_cache_bytes, "queue_depth": queue_depth, "discard_freed": discard_freed,
        "undo_versions": 0, "keep_recent": 0, "keep_for_seconds": 0,
    }
    try:
        return rawkv.open_store(directory, **options)
    except rawkv.NotFoundError:
        if not format_if_missing:
            raise
    # An interrupted format leaves the file FORMATTING, which names its device, and maybe a superblock on it. The library
    # checks both.
    if device is not None and not os.path.exists(os.path.join(directory, "FORMATTING")):
        _check_empty(device)
    parent = os.path.dirname(os.path.abspath(directory))
    os.makedirs(parent, exist_ok=True)
    rawkv.format_store(directory, device=device, capacity=capacity, slot_bytes=slot_bytes, inline_bytes=inline_bytes,
                       durability=durability, undo_versions=0, keep_recent=0, keep_for_seconds=0)
    return rawkv.open_store(directory, **options)


def _check_empty(device: str) -> None:
    """Refuses a device whose first or last MiB has a byte that is not zero.

    The library refuses a device with a known signature. This check finds foreign data without one, too.
    """
    try:
        with open(device, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            for offset in {0, max(0, size - _PROBE_BYTES)}:
                file.seek(offset)
                if file.read(_PROBE_BYTES).strip(b"\0"):
                    raise rawkv.FailedPreconditionError(
                        f"{device} holds data that is not of this store, so it was not formatted. If nobody needs the "
                        f"data, clear it with `wipefs --all` and `blkdiscard`, or format the store yourself with "
                        f"`rawkv-ctl format --force`")
    except FileNotFoundError:
        return  # the format makes a file of the wanted capacity
