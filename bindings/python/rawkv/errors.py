"""The errors of rawkv: one class for each code of the C interface, and a base class."""

from __future__ import annotations

OK = 0
NOT_FOUND = 1
INVALID_ARGUMENT = 2
FAILED_PRECONDITION = 3
VERSION_UNREACHABLE = 4
BUSY = 5
NO_SPACE = 6
CORRUPTION = 7
IO_ERROR = 8
NOT_SUPPORTED = 9
POISONED = 10
INTERNAL = 11


class RawkvError(Exception):
    """An error of the library.

    code: a code of the C interface, for example NO_SPACE. It shows what the caller can do.
    message: where it happened, and what the operator can do.
    outcome: only from a commit: "not applied", or "unknown", after which the store must be opened again to find
    out whether the commit is there. None from every other call.
    """

    code: int = INTERNAL

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.outcome: str | None = None
        if code is not None:
            self.code = code


class NotFoundError(RawkvError):
    """There is no such key or store."""

    code = NOT_FOUND


class InvalidArgumentError(RawkvError):
    """An argument or an option is out of range. The same call fails again."""

    code = INVALID_ARGUMENT


class FailedPreconditionError(RawkvError):
    """The state does not allow the call: a closed or read-only store, or an expected version that is not next."""

    code = FAILED_PRECONDITION


class VersionUnreachableError(RawkvError):
    """The version was never made, or is no longer retained."""

    code = VERSION_UNREACHABLE


class BusyError(RawkvError):
    """Somebody else uses the store, or a bound is reached. The call may succeed later."""

    code = BUSY


class NoSpaceError(RawkvError):
    """The device or the filesystem is full. Nothing was changed."""

    code = NO_SPACE


class CorruptionError(RawkvError):
    """Bytes on disk fail their checksum."""

    code = CORRUPTION


class StoreIoError(RawkvError):
    """The operating system or the device failed or refused an operation, or memory is missing."""

    code = IO_ERROR


class NotSupportedError(RawkvError):
    """The system or the store does not support the call."""

    code = NOT_SUPPORTED


class PoisonedError(RawkvError):
    """A sync has failed before. Reads work; open the store again before the next commit."""

    code = POISONED


class InternalError(RawkvError):
    """A fault of the library."""

    code = INTERNAL


class LibraryError(RawkvError):
    """librawkv.so is missing, or does not fit this package."""


_CLASSES: dict[int, type[RawkvError]] = {
    error.code: error
    for error in (NotFoundError, InvalidArgumentError, FailedPreconditionError, VersionUnreachableError, BusyError,
                  NoSpaceError, CorruptionError, StoreIoError, NotSupportedError, PoisonedError, InternalError)
}


def error_of(code: int, message: str) -> RawkvError:
    """The error for a code. A code that this package does not know becomes a RawkvError with that code."""
    known = _CLASSES.get(code)
    return known(message) if known is not None else RawkvError(message, code)
