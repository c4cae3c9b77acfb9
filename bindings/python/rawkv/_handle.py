"""The life of a handle of the C interface."""

from __future__ import annotations

import threading
from typing import Callable, TypeVar

from .errors import FailedPreconditionError


Object = TypeVar("Object", bound="Closing")


class Closing:
    """An object with a handle and an idempotent close(). A `with` block and the garbage collector close it."""

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self: Object) -> Object:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_handle"):  # otherwise the constructor has failed
            self.close()


class Handle:
    """A pointer of the C interface that threads use and one of them closes.

    The C interface does not allow a call during a close. So each call is made between enter() and leave(), and close()
    waits for the calls under way. A call after the close raises FailedPreconditionError.
    """

    __slots__ = ("_pointer", "_what", "_users", "_closing", "_lock", "_idle")

    def __init__(self, pointer: int | None, what: str) -> None:
        self._pointer = pointer
        self._what = what
        self._users = 0
        self._closing = False
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)

    @property
    def closed(self) -> bool:
        return self._pointer is None

    def enter(self) -> int:
        """The pointer, which stays valid until leave()."""
        with self._lock:
            if self._pointer is None or self._closing:
                raise FailedPreconditionError(f"the {self._what} is closed")
            self._users += 1
            return self._pointer

    def leave(self) -> None:
        with self._lock:
            self._users -= 1
            if self._closing and self._users == 0:
                self._idle.notify_all()

    def __enter__(self) -> int:
        return self.enter()

    def __exit__(self, *exception: object) -> None:
        self.leave()

    def close(self, close: Callable[[int], bool]) -> None:
        """Calls `close` once, without other calls under way. It returns whether the pointer is gone; if not, or if it
        raises, the handle can be used again. Idempotent; a second thread waits for the first."""
        with self._lock:
            while self._closing:
                self._idle.wait()
            pointer = self._pointer
            if pointer is None:
                return
            self._closing = True
            while self._users != 0:
                self._idle.wait()
        gone = False
        try:
            gone = close(pointer)
        finally:
            with self._lock:
                if gone:
                    self._pointer = None
                self._closing = False
                self._idle.notify_all()
