"""A store: format, open, reads, commits and history."""

from __future__ import annotations

import ctypes
import json
import os
import threading
import weakref
from dataclasses import dataclass
from typing import Any

from . import _abi
from ._handle import Closing, Handle
from ._library import check, library, option_text, path_bytes, take_text
from .batch import Batch
from .errors import BUSY, RawkvError
from .iterator import Iterator
from .reads import Reads
from .session import OUTCOMES, Session, commit_options, existed_of


@dataclass(frozen=True)
class CommitResult:
    """The result of a commit that was applied."""

    version: int
    existed: tuple[int, ...]  # operations that if_absent left out, as ascending indexes


def format_store(directory: str | bytes | os.PathLike[str], **options: object) -> None:
    """Makes a store in a directory that is absent or empty.

    Options: device, capacity, slot_bytes, header_bytes, inline_bytes, initial_version, force, snapshot_interval,
    keep_recent, keep_for_seconds, wal_segment_bytes, undo_versions, durability. Sizes are numbers of bytes, or text such
    as "10GiB". FailedPreconditionError: the directory holds something else, or the device has a signature of a
    filesystem or of another store.
    """
    error = ctypes.c_void_p()
    check(library().rawkv_format(path_bytes(directory), option_text(options), error), error)


def import_store(export_directory: str | bytes | os.PathLike[str], directory: str | bytes | os.PathLike[str],
                 **options: object) -> None:
    """Makes a store of an export. Options: device, force."""
    error = ctypes.c_void_p()
    check(library().rawkv_import(path_bytes(export_directory), path_bytes(directory), option_text(options), error),
          error)


def open_store(directory: str | bytes | os.PathLike[str], **options: object) -> Engine:
    """Opens a store. Options: device, engine (auto, posix, io_uring), queue_depth, read_only, lock_wait_ms,
    memtable_bytes, block_cache_bytes, group_bytes_max, discard_freed, and the last six of format_store.

    BusyError: another process has the store open for writing. CorruptionError: the store needs a repair.
    """
    return Engine(directory, **options)


class View(Closing, Reads):
    """One version of a store, which stays readable until the view is closed. Thread-safe."""

    def __init__(self, engine: Engine, pointer: int) -> None:
        self._engine = engine
        self._handle = Handle(pointer, "view")
        self.version: int = int(library().rawkv_view_version(pointer))

    def _pointers(self) -> tuple[Handle, Handle | None]:
        return self._engine.handle, self._handle

    def _keep(self, iterator: Iterator) -> Iterator:
        self._engine.keep_open(iterator)
        return iterator

    def close(self) -> None:
        """Frees the view. Idempotent."""
        def free(pointer: int) -> bool:
            library().rawkv_view_close(pointer)
            return True

        self._handle.close(free)


class Engine(Closing, Reads):
    """An open store. Every call is thread-safe; close waits for the calls under way. Reads see the newest version.

    A process that was forked while a store is open must not use the objects of its parent.
    """

    def __init__(self, directory: str | bytes | os.PathLike[str], **options: object) -> None:
        pointer, error = ctypes.c_void_p(), ctypes.c_void_p()
        check(library().rawkv_open(path_bytes(directory), option_text(options), pointer, error), error)
        self._open_lock = threading.Lock()
        self._open: weakref.WeakSet[Any] = weakref.WeakSet()  # views, iterators and sessions
        self._handle = Handle(pointer.value, "store")

    @property
    def handle(self) -> Handle:
        """For View and Session."""
        return self._handle

    def _pointers(self) -> tuple[Handle, Handle | None]:
        return self._handle, None

    def _keep(self, iterator: Iterator) -> Iterator:
        self.keep_open(iterator)
        return iterator

    def keep_open(self, opened: Any) -> Any:
        """Remembers a view, an iterator or a session, which close() closes first."""
        with self._open_lock:
            self._open.add(opened)
        return opened

    # ---- commits ----

    def commit(self, batch: Batch, *, expected_version: int | None = None,
               durability: str | None = None) -> CommitResult:
        """Applies all operations of the batch as one new version, or none of them. The batch stays as it is.

        expected_version: the number that the new version must get; FailedPreconditionError if another one is next.
        durability: "synced" or "unsafe_unsynced" instead of the store's setting. An error has an `outcome`.
        """
        options = commit_options(expected_version, durability)
        result = _abi.CommitResult(struct_size=ctypes.sizeof(_abi.CommitResult), outcome=_abi.NOT_APPLIED)
        error = ctypes.c_void_p()
        with self._handle as pointer, batch.handle as batch_pointer:
            code = library().rawkv_commit(pointer, batch_pointer, options, result, error)
        try:
            check(code, error)
        except RawkvError as failure:
            failure.outcome = OUTCOMES.get(result.outcome)
            raise
        finally:
            existed = existed_of(result.existed, result.existed_count)
            library().rawkv_free(ctypes.cast(result.existed, ctypes.c_void_p))
        return CommitResult(version=result.version, existed=existed)

    def put(self, key: str | bytes | bytearray | memoryview, value: Any, *, if_absent: bool = False) -> bool:
        """Commits one value, and returns whether it was stored: with `if_absent`, False if the key exists."""
        with Batch() as batch:
            batch.put(key, value, if_absent=if_absent, borrow=True)
            return not self.commit(batch).existed

    def delete(self, key: str | bytes | bytearray | memoryview) -> None:
        """Commits the removal of one key."""
        with Batch() as batch:
            batch.delete(key)
            self.commit(batch)

    def sync(self) -> None:
        """Makes all versions durable that were acknowledged before."""
        self._simple("rawkv_sync")

    @property
    def version(self) -> int:
        """The newest version."""
        with self._handle as pointer:
            return int(library().rawkv_version(pointer))

    @property
    def durable_version(self) -> int:
        """The newest version that is known to be durable."""
        with self._handle as pointer:
            return int(library().rawkv_durable_version(pointer))

    def stats(self) -> dict[str, int]:
        """Counters since the open."""
        text, error = ctypes.c_void_p(), ctypes.c_void_p()
        with self._handle as pointer:
            check(library().rawkv_stats_json(pointer, text, error), error)
        return dict(json.loads(take_text(text)))

    # ---- history ----

    def view(self, version: int | None = None) -> View:
        """Holds a version for reading; None: the newest one. VersionUnreachableError: it is not retained."""
        pointer, error = ctypes.c_void_p(), ctypes.c_void_p()
        self._simple("rawkv_view_open", _abi.TIP if version is None else version, pointer, error=error)
        assert pointer.value is not None
        made: View = self.keep_open(View(self, pointer.value))
        return made

    def snapshot(self) -> int:
        """Makes a snapshot of the newest version, and returns that version."""
        version = ctypes.c_uint64()
        self._simple("rawkv_snapshot", version)
        return version.value

    def pin(self, name: str, version: int | None = None) -> int:
        """Keeps a version under a name; None: the newest one. Returns the version."""
        pinned = ctypes.c_uint64()
        self._simple("rawkv_pin", name.encode(), _abi.TIP if version is None else version, pinned)
        return pinned.value

    def unpin(self, name: str) -> None:
        """Gives up a name."""
        self._simple("rawkv_unpin", name.encode())

    def rollback(self, version: int, *, drop_pins: bool = False) -> None:
        """Makes an older version the newest one. drop_pins: removes names of versions that go, instead of refusing."""
        self._simple("rawkv_rollback", version, _abi.DROP_PINS if drop_pins else 0)

    def export(self, directory: str | bytes | os.PathLike[str], version: int | None = None) -> None:
        """Writes one version to a directory that is absent or empty; None: the newest one."""
        self._simple("rawkv_export", _abi.TIP if version is None else version, path_bytes(directory))

    # ---- sessions ----

    def session(self, **options: object) -> Session:
        """A session. Options: operations_max (65536), bytes_in_flight_max (64MiB)."""
        made: Session = self.keep_open(Session(self._handle, option_text(options), owner=self))
        return made

    def close(self) -> None:
        """Closes the views, iterators and sessions that are still open, and then the store. Idempotent.

        BusyError: another thread has opened one of them meanwhile; the store stays open. Any other error shows that the
        last versions may not be durable; the store is closed nevertheless.
        """
        with self._open_lock:
            children = list(self._open)
        for child in children:
            child.close()

        def close(pointer: int) -> bool:
            error = ctypes.c_void_p()
            code = library().rawkv_close(pointer, error)
            failures.append((code, error))
            return bool(code != BUSY)

        failures: list[tuple[int, ctypes.c_void_p]] = []
        self._handle.close(close)
        for code, error in failures:
            check(code, error)

    @property
    def closed(self) -> bool:
        return self._handle.closed

    def _simple(self, function: str, *arguments: Any, error: ctypes.c_void_p | None = None) -> None:
        """Calls a function that takes the engine first and a text of an error last."""
        text = ctypes.c_void_p() if error is None else error
        with self._handle as pointer:
            code = getattr(library(), function)(pointer, *arguments, text)
        check(code, text)
