"""The connector for LMCache's multi-process mode, L2 adapter `native_plugin`."""

from __future__ import annotations

from typing import Any, Iterator, Sequence

from .exchange import Exchange, Result
from .store import open_cache_store


class RawkvConnector:
    """Stores the chunks of a KV cache in a rawkv store. LMCache makes one with cls(**adapter_params).

    Parameters:

    directory            directory of the store: index and log. It needs a filesystem with hard links.
    device               block device or file for the values. Default: the file device.img in `directory`. It is used
                         when the store is made; afterwards the store knows it.
    capacity             size of a device file that is made, a number of bytes or text: "64GiB". A block device is used
                         as a whole.
    engine               "auto", "posix" or "io_uring".
    slot_bytes           unit of allocation, when the store is made: a multiple of 4096. "64KiB".
    inline_bytes         values up to this size stay in the index, when the store is made. Default: 1024.
    format_if_missing    True: makes a store where there is none. A device that holds other data is never formatted.
    durability           "synced": a stored batch survives a power cut. "unsafe_unsynced": it survives the end of the
                         process, but a power cut may lose the last batches, each as a whole.
    operations_max       operations that the session holds, at least 2. Further batches wait in the connector. 4096.
    bytes_in_flight_max  bytes of reads that are under way on the device. "64MiB".
    queue_depth, memtable_bytes, block_cache_bytes, discard_freed: as for rawkv.open_store.

    The constructor raises rawkv.RawkvError if the store cannot be opened or made, and ValueError or TypeError for a
    wrong parameter. A submit call raises RuntimeError after close; every other error is a result: ok is False, with a
    text. Each call may come from any thread. A submit call does not wait for the device.
    """

    def __init__(self, directory: str, *, operations_max: int = 4096, bytes_in_flight_max: int | str = "64MiB",
                 **store_parameters: Any) -> None:
        self._store = open_cache_store(directory, **store_parameters)
        try:
            self._exchange = Exchange(self._store, operations_max=operations_max,
                                      bytes_in_flight_max=bytes_in_flight_max)
        except BaseException:
            self._store.close()
            raise

    def event_fd(self) -> int:
        """An eventfd that is readable while completions wait."""
        return self._exchange.event_fd()

    def submit_batch_get(self, keys: Sequence[str], memoryviews: Sequence[memoryview]) -> int:
        """Reads each value into its buffer. Verdict of a key: True if the value fills the buffer. A missing key is
        False, its buffer is untouched, and the batch is still ok. A value of another length than its buffer, and a
        damaged one, are False, and the batch is not ok; the verdicts of the other keys hold."""
        return self._exchange.get(keys, memoryviews)

    def submit_batch_set(self, keys: Sequence[str], memoryviews: Sequence[memoryview]) -> int:
        """Stores all values with one commit, or none of them. A key that exists keeps its value, and is True."""
        return self._exchange.set(keys, memoryviews)

    def submit_batch_exists(self, keys: Sequence[str]) -> int:
        """Verdict of a key: whether it exists."""
        return self._exchange.exists(keys)

    def submit_batch_delete(self, keys: Sequence[str]) -> int:
        """Removes all keys with one commit, or none of them. Verdict of a key: whether it existed."""
        return self._exchange.delete(keys)

    def drain_completions(self) -> list[Result]:
        """(future id, ok, error, verdicts) of each batch that has ended, exactly once. Never waits and never raises.
        The memory of these batches is not touched any more."""
        return self._exchange.drain()

    def list_keys(self, prefix: str = "") -> Iterator[str]:
        """The stored keys that begin with a prefix, in the order of their bytes."""
        first = prefix.encode("utf-8", "surrogatepass")
        for key in self._store.keys(lower=first or None):
            if not key.startswith(first):
                return
            yield key.decode("utf-8", "surrogatepass")

    def report_status(self) -> dict[str, Any]:
        """is_healthy, and how much is under way."""
        return {**self._exchange.status(), "type": "rawkv"}

    def close(self) -> None:
        """Returns after all input and output has ended, and closes the store. Idempotent. Completions can still be
        drained."""
        self._exchange.close()
        self._store.close()
