"""The C interface (bindings/c/rawkv_c.h) as ctypes declarations. A test compares them with tests/bindings/abi.txt."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_char_p, c_int, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p

TIP = 2**64 - 1  # where a version is an argument: the newest version

# Flags of a put, of a commit and of a rollback.
IF_ABSENT = 1
BORROW = 2
EXPECT_VERSION = 1
SYNCED = 2
UNSYNCED = 4
DROP_PINS = 1

# Outcomes of a commit.
APPLIED = 0
NOT_APPLIED = 1
UNKNOWN = 2

# Kinds of a session's operation.
OP_GET = 0
OP_EXISTS = 1
OP_COMMIT = 2
OP_SYNC = 3


class Read(ctypes.Structure):
    """rawkv_read"""

    # Pointers are c_void_p, so that a field takes an address. Whoever fills it in keeps the memory alive.
    _fields_ = [("key", c_void_p), ("key_size", c_size_t), ("out", c_void_p), ("out_size", c_size_t),
                ("code", c_int32), ("reserved", c_uint32), ("size", c_uint64), ("written_by", c_uint64)]


class CommitOptions(ctypes.Structure):
    """rawkv_commit_options"""

    _fields_ = [("struct_size", c_size_t), ("expected_version", c_uint64), ("flags", c_uint32)]


class CommitResult(ctypes.Structure):
    """rawkv_commit_result"""

    _fields_ = [("struct_size", c_size_t), ("version", c_uint64), ("outcome", c_int32), ("reserved", c_uint32),
                ("existed_count", c_size_t), ("existed", POINTER(c_uint32))]


class Answer(ctypes.Structure):
    """rawkv_answer"""

    _fields_ = [("code", c_int32), ("reserved", c_uint32), ("size", c_uint64), ("written_by", c_uint64)]


class Completion(ctypes.Structure):
    """rawkv_completion"""

    _fields_ = [("id", c_uint64), ("op", c_int32), ("code", c_int32), ("outcome", c_int32), ("reserved", c_uint32),
                ("version", c_uint64), ("answer_count", c_size_t), ("answers", POINTER(Answer)),
                ("existed_count", c_size_t), ("existed", POINTER(c_uint32)), ("error", c_char_p),
                ("memory", c_void_p)]


STRUCTS: dict[str, type[ctypes.Structure]] = {
    "rawkv_read": Read,
    "rawkv_commit_options": CommitOptions,
    "rawkv_commit_result": CommitResult,
    "rawkv_answer": Answer,
    "rawkv_completion": Completion,
}

_handle = c_void_p  # of an engine, a view, an iterator, a batch or a session
_bytes = c_void_p  # takes bytes objects, addresses and None
_text = c_char_p
_error = POINTER(c_void_p)  # char**; c_void_p keeps the address, which rawkv_free needs
_out = POINTER(c_void_p)
_u64_out = POINTER(c_uint64)
_size_out = POINTER(c_size_t)

# name: (result, arguments)
FUNCTIONS: dict[str, tuple[object, tuple[object, ...]]] = {
    "rawkv_abi_version": (c_uint32, ()),
    "rawkv_code_name": (c_char_p, (c_int,)),
    "rawkv_free": (None, (c_void_p,)),
    "rawkv_format": (c_int, (_text, _text, _error)),
    "rawkv_open": (c_int, (_text, _text, _out, _error)),
    "rawkv_close": (c_int, (_handle, _error)),
    "rawkv_version": (c_uint64, (_handle,)),
    "rawkv_durable_version": (c_uint64, (_handle,)),
    "rawkv_sync": (c_int, (_handle, _error)),
    "rawkv_stats_json": (c_int, (_handle, _out, _error)),
    "rawkv_get": (c_int, (_handle, _handle, _bytes, c_size_t, c_void_p, c_size_t, _size_out, _error)),
    "rawkv_exists": (c_int, (_handle, _handle, _bytes, c_size_t, POINTER(c_int), _error)),
    "rawkv_multi_get": (c_int, (_handle, _handle, POINTER(Read), c_size_t, c_size_t, _error)),
    "rawkv_view_open": (c_int, (_handle, c_uint64, _out, _error)),
    "rawkv_view_version": (c_uint64, (_handle,)),
    "rawkv_view_close": (None, (_handle,)),
    "rawkv_iterator_open": (c_int, (_handle, _handle, _bytes, c_size_t, _bytes, c_size_t, _out, _error)),
    "rawkv_iterator_close": (None, (_handle,)),
    "rawkv_iterator_first": (None, (_handle,)),
    "rawkv_iterator_last": (None, (_handle,)),
    "rawkv_iterator_seek": (None, (_handle, _bytes, c_size_t)),
    "rawkv_iterator_valid": (c_int, (_handle,)),
    "rawkv_iterator_next": (None, (_handle,)),
    "rawkv_iterator_prev": (None, (_handle,)),
    "rawkv_iterator_key": (c_void_p, (_handle, _size_out)),
    "rawkv_iterator_value": (c_int, (_handle, _out, _size_out, _error)),
    "rawkv_iterator_status": (c_int, (_handle, _error)),
    "rawkv_batch_new": (_handle, ()),
    "rawkv_batch_free": (None, (_handle,)),
    "rawkv_batch_clear": (None, (_handle,)),
    "rawkv_batch_count": (c_size_t, (_handle,)),
    "rawkv_batch_put": (None, (_handle, _bytes, c_size_t, _bytes, c_size_t, c_uint32)),
    "rawkv_batch_delete": (None, (_handle, _bytes, c_size_t)),
    "rawkv_batch_delete_range": (None, (_handle, _bytes, c_size_t, _bytes, c_size_t)),
    "rawkv_batch_set_metadata": (None, (_handle, _bytes, c_size_t)),
    "rawkv_batch_append": (c_int, (_handle, _bytes, c_size_t, _error)),
    "rawkv_commit": (c_int, (_handle, _handle, POINTER(CommitOptions), POINTER(CommitResult), _error)),
    "rawkv_snapshot": (c_int, (_handle, _u64_out, _error)),
    "rawkv_pin": (c_int, (_handle, _text, c_uint64, _u64_out, _error)),
    "rawkv_unpin": (c_int, (_handle, _text, _error)),
    "rawkv_rollback": (c_int, (_handle, c_uint64, c_uint32, _error)),
    "rawkv_export": (c_int, (_handle, c_uint64, _text, _error)),
    "rawkv_import": (c_int, (_text, _text, _text, _error)),
    "rawkv_session_open": (c_int, (_handle, _text, _out, _error)),
    "rawkv_session_close": (None, (_handle,)),
    # `reads` is a c_void_p, so that it may also be a bytes object with the fields of rawkv_read.
    "rawkv_session_get": (c_int, (_handle, c_void_p, c_size_t, c_size_t, _u64_out, _error)),
    "rawkv_session_exists": (c_int, (_handle, c_void_p, c_size_t, c_size_t, _u64_out, _error)),
    "rawkv_session_commit": (c_int, (_handle, _handle, POINTER(CommitOptions), _u64_out, _error)),
    "rawkv_session_register_memory": (c_int, (_handle, c_void_p, c_size_t, _error)),
    "rawkv_session_sync": (c_int, (_handle, _u64_out, _error)),
    "rawkv_session_event_fd": (c_int, (_handle,)),
    "rawkv_session_wait": (c_int, (_handle, c_int64)),
    "rawkv_session_drain": (c_size_t, (_handle, POINTER(Completion), c_size_t, c_size_t)),
}


def declare(library: ctypes.CDLL | ctypes.PyDLL) -> None:
    """Gives each function its types. AttributeError: the library lacks a function; its name is in the message."""
    for name, (result, arguments) in FUNCTIONS.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
