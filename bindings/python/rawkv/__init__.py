"""rawkv: an embedded, versioned key-value store. docs/python.md explains this package.

    import rawkv

    rawkv.format_store("/tmp/example", capacity="1GiB")
    with rawkv.open_store("/tmp/example") as store:
        store.put("greeting", b"hello")
        print(store.get("greeting"))
"""

from ._abi import OP_COMMIT, OP_EXISTS, OP_GET, OP_SYNC, TIP
from ._library import abi_version, code_name
from .batch import PACKED, PACKED_DELETE, PACKED_DELETE_RANGE, PACKED_PUT, Batch
from .engine import CommitResult, Engine, View, format_store, import_store, open_store
from .errors import (BUSY, CORRUPTION, FAILED_PRECONDITION, INTERNAL, INVALID_ARGUMENT, IO_ERROR, NO_SPACE, NOT_FOUND,
                     NOT_SUPPORTED, OK, POISONED, VERSION_UNREACHABLE, BusyError, CorruptionError,
                     FailedPreconditionError, InternalError, InvalidArgumentError, LibraryError, NoSpaceError,
                     NotFoundError, NotSupportedError, PoisonedError, RawkvError, StoreIoError,
                     VersionUnreachableError, error_of)
from .iterator import Iterator
from .reads import ReadArray, ReadResult
from .session import Completion, Session

__all__ = [
    "BUSY", "Batch", "BusyError", "CORRUPTION", "CommitResult", "Completion", "CorruptionError", "Engine",
    "FAILED_PRECONDITION", "FailedPreconditionError", "INTERNAL", "INVALID_ARGUMENT", "IO_ERROR",
    "InternalError", "InvalidArgumentError", "Iterator", "LibraryError", "NOT_FOUND", "NOT_SUPPORTED",
    "NO_SPACE", "NoSpaceError", "NotFoundError", "NotSupportedError", "OK", "OP_COMMIT", "OP_EXISTS", "OP_GET",
    "OP_SYNC", "PACKED", "PACKED_DELETE", "PACKED_DELETE_RANGE", "PACKED_PUT", "POISONED", "PoisonedError",
    "RawkvError", "ReadArray", "ReadResult", "Session", "StoreIoError", "TIP", "VERSION_UNREACHABLE",
    "VersionUnreachableError", "View", "abi_version", "code_name", "error_of", "format_store", "import_store",
    "open_store",
]
