#pragma once

/* The C interface of rawkv, in C99. docs/c-api.md explains it; the C++ headers document what each call does.
 *
 * Every function that can fail returns a code: 0 (RAWKV_OK) or one of the others. Its last argument `error`
 * may be null. Otherwise it is set to null after a success, and to a text after an error. Free the text, and
 * every other memory that the library returns, with rawkv_free. A handle has its own close function.
 *
 * A struct whose first field is `struct_size` is filled in by the caller with the size that it was compiled
 * with. Elements of an array have no such field; their size is an argument of the call. A later version of
 * the library adds fields at the end only, and keeps zero as their default.
 *
 * Options are text: lines or words "key=value", separated by white space. A null or empty text means the
 * defaults. A size may end in KiB, MiB or GiB. RAWKV_INVALID_ARGUMENT: an unknown key or a wrong value.
 *
 * Keys and values are bytes with a length. Any thread may use a handle, except while it is closed. A batch
 * and an iterator belong to one thread at a time. No call throws, calls back, or installs a signal handler.
 */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define RAWKV_C_API __attribute__((visibility("default")))
#else
#define RAWKV_C_API
#endif

/* Grows when a function or a field is added. */
#define RAWKV_ABI_VERSION 1
RAWKV_C_API uint32_t rawkv_abi_version(void);

/* Codes. */
#define RAWKV_OK 0
#define RAWKV_NOT_FOUND 1
#define RAWKV_INVALID_ARGUMENT 2
#define RAWKV_FAILED_PRECONDITION 3
#define RAWKV_VERSION_UNREACHABLE 4
#define RAWKV_BUSY 5
#define RAWKV_NO_SPACE 6
#define RAWKV_CORRUPTION 7
#define RAWKV_IO_ERROR 8
#define RAWKV_NOT_SUPPORTED 9
#define RAWKV_POISONED 10
#define RAWKV_INTERNAL 11
RAWKV_C_API const char* rawkv_code_name(int code); /* constant text */

/* Frees memory that the library returned. Null is allowed. */
RAWKV_C_API void rawkv_free(void* memory);

typedef struct rawkv_engine rawkv_engine;
typedef struct rawkv_view rawkv_view;
typedef struct rawkv_iterator rawkv_iterator;
typedef struct rawkv_batch rawkv_batch;
typedef struct rawkv_session rawkv_session;

/* Where a version is an argument: the tip. */
#define RAWKV_TIP UINT64_MAX

/* ---- the store ----
 * Keys of `options` of rawkv_format: device, capacity, slot_bytes, header_bytes, inline_bytes,
 * initial_version, force, snapshot_interval, keep_recent, keep_for_seconds, wal_segment_bytes, undo_versions,
 * durability (synced, unsafe_unsynced). Of rawkv_open: device, engine (auto, posix, io_uring), queue_depth,
 * read_only, lock_wait_ms, memtable_bytes, block_cache_bytes, group_bytes_max, discard_freed, and the last
 * six of rawkv_format. A flag is 0 or 1. */
RAWKV_C_API int rawkv_format(const char* dir, const char* options, char** error);
RAWKV_C_API int rawkv_open(const char* dir, const char* options, rawkv_engine** engine, char** error);
/* Closes the engine and frees the handle. RAWKV_BUSY: a view or an iterator is open, and the handle stays
 * valid. After any other error the handle is freed, too. */
RAWKV_C_API int rawkv_close(rawkv_engine* engine, char** error);
RAWKV_C_API uint64_t rawkv_version(const rawkv_engine* engine);
RAWKV_C_API uint64_t rawkv_durable_version(const rawkv_engine* engine);
RAWKV_C_API int rawkv_sync(rawkv_engine* engine, char** error);
/* Counters since the open, as one JSON object. Free `*json` with rawkv_free. */
RAWKV_C_API int rawkv_stats_json(rawkv_engine* engine, char** json, char** error);

/* ---- reads: `view` may be null for the tip ---- */
/* RAWKV_INVALID_ARGUMENT: `out_size` is too small; `*size` is then the length if it is known, else 0. */
RAWKV_C_API int rawkv_get(rawkv_engine* engine, const rawkv_view* view, const void* key, size_t key_size,
                          void* out, size_t out_size, size_t* size, char** error);
/* `*exists` becomes 0 or 1. */
RAWKV_C_API int rawkv_exists(rawkv_engine* engine, const rawkv_view* view, const void* key, size_t key_size,
                             int* exists, char** error);

typedef struct rawkv_read {
  const void* key;
  size_t key_size;
  void* out;
  size_t out_size;
  /* Set by rawkv_multi_get, and by rawkv_session_drain in its own copies. */
  int32_t code;
  uint32_t reserved;
  uint64_t size;
  uint64_t written_by;
} rawkv_read;
/* One code for each key. The result is RAWKV_OK if every key has its code. If the memory of two reads
 * overlaps, each code is RAWKV_INVALID_ARGUMENT. */
RAWKV_C_API int rawkv_multi_get(rawkv_engine* engine, const rawkv_view* view, rawkv_read* reads,
                                size_t read_size, size_t count, char** error);

/* ---- views and iterators ---- */
RAWKV_C_API int rawkv_view_open(rawkv_engine* engine, uint64_t version, rawkv_view** view, char** error);
RAWKV_C_API uint64_t rawkv_view_version(const rawkv_view* view);
RAWKV_C_API void rawkv_view_close(rawkv_view* view);
/* `lower` is inclusive, `upper` exclusive; a null bound is open. */
RAWKV_C_API int rawkv_iterator_open(rawkv_engine* engine, const rawkv_view* view, const void* lower,
                                    size_t lower_size, const void* upper, size_t upper_size,
                                    rawkv_iterator** iterator, char** error);
RAWKV_C_API void rawkv_iterator_close(rawkv_iterator* iterator);
RAWKV_C_API void rawkv_iterator_first(rawkv_iterator* iterator);
RAWKV_C_API void rawkv_iterator_last(rawkv_iterator* iterator);
RAWKV_C_API void rawkv_iterator_seek(rawkv_iterator* iterator, const void* key, size_t key_size);
RAWKV_C_API int rawkv_iterator_valid(const rawkv_iterator* iterator);
/* These need rawkv_iterator_valid; otherwise next and prev do nothing, and the others return null or an
 * error. The key stays valid until the iterator moves. */
RAWKV_C_API void rawkv_iterator_next(rawkv_iterator* iterator);
RAWKV_C_API void rawkv_iterator_prev(rawkv_iterator* iterator);
RAWKV_C_API const void* rawkv_iterator_key(const rawkv_iterator* iterator, size_t* size);
/* Free `*value` with rawkv_free. */
RAWKV_C_API int rawkv_iterator_value(const rawkv_iterator* iterator, void** value, size_t* size,
                                     char** error);
RAWKV_C_API int rawkv_iterator_status(const rawkv_iterator* iterator, char** error);

/* ---- commits ---- */
#define RAWKV_IF_ABSENT 1u /* leave a key that exists as it is */
#define RAWKV_BORROW 2u    /* do not copy the value: it stays unchanged until the commit has its outcome */
/* Null if there is no memory. */
RAWKV_C_API rawkv_batch* rawkv_batch_new(void);
RAWKV_C_API void rawkv_batch_free(rawkv_batch* batch);
RAWKV_C_API void rawkv_batch_clear(rawkv_batch* batch);
RAWKV_C_API size_t rawkv_batch_count(const rawkv_batch* batch);
/* The batch keeps an error of these calls, and the commit returns it. `flags`: RAWKV_IF_ABSENT, RAWKV_BORROW.
 */
RAWKV_C_API void rawkv_batch_put(rawkv_batch* batch, const void* key, size_t key_size, const void* value,
                                 size_t value_size, uint32_t flags);
RAWKV_C_API void rawkv_batch_delete(rawkv_batch* batch, const void* key, size_t key_size);
/* [begin, end); an end of size 0: to the last key. */
RAWKV_C_API void rawkv_batch_delete_range(rawkv_batch* batch, const void* begin, size_t begin_size,
                                          const void* end, size_t end_size);
RAWKV_C_API void rawkv_batch_set_metadata(rawkv_batch* batch, const void* metadata, size_t size);
/* Appends operations from one piece of memory, for bindings to which a call is expensive. Each operation is,
 * without padding and little-endian: u8 kind (1 put, 2 delete, 3 delete range), u8 flags (as for a put),
 * u16 0, u32 key size, u64 value size, the key, the value. A delete has value size 0; a range delete has its
 * end as the value. RAWKV_INVALID_ARGUMENT: the memory ends inside an operation, or a field is wrong; the
 * batch is then unchanged. */
RAWKV_C_API int rawkv_batch_append(rawkv_batch* batch, const void* memory, size_t size, char** error);

#define RAWKV_APPLIED 0
#define RAWKV_NOT_APPLIED 1
#define RAWKV_UNKNOWN 2
typedef struct rawkv_commit_options {
  size_t struct_size;
  uint64_t expected_version; /* with RAWKV_EXPECT_VERSION: what the commit must become */
  uint32_t flags;
} rawkv_commit_options;
#define RAWKV_EXPECT_VERSION 1u
#define RAWKV_SYNCED 2u /* override the store's setting of durability */
#define RAWKV_UNSYNCED 4u

typedef struct rawkv_commit_result {
  size_t struct_size;
  uint64_t version; /* with RAWKV_APPLIED */
  int32_t outcome;
  uint32_t reserved;
  size_t existed_count; /* operations that RAWKV_IF_ABSENT left out, as ascending indexes */
  uint32_t* existed;    /* null if there are none; free it with rawkv_free */
} rawkv_commit_result;
/* `options` and `result` may be null. The batch stays as it is. */
RAWKV_C_API int rawkv_commit(rawkv_engine* engine, const rawkv_batch* batch,
                             const rawkv_commit_options* options, rawkv_commit_result* result, char** error);

/* ---- history ---- */
RAWKV_C_API int rawkv_snapshot(rawkv_engine* engine, uint64_t* version, char** error);
/* `version` may be RAWKV_TIP. */
RAWKV_C_API int rawkv_pin(rawkv_engine* engine, const char* name, uint64_t version, uint64_t* pinned,
                          char** error);
RAWKV_C_API int rawkv_unpin(rawkv_engine* engine, const char* name, char** error);
#define RAWKV_DROP_PINS 1u
RAWKV_C_API int rawkv_rollback(rawkv_engine* engine, uint64_t target, uint32_t flags, char** error);
RAWKV_C_API int rawkv_export(rawkv_engine* engine, uint64_t version, const char* dir, char** error);
/* Makes a store of an export. Keys of `options`: device, force. */
RAWKV_C_API int rawkv_import(const char* export_dir, const char* dir, const char* options, char** error);

/* ---- sessions ----
 * Keys of `options`: operations_max, bytes_in_flight_max. */
#define RAWKV_OP_GET 0
#define RAWKV_OP_EXISTS 1
#define RAWKV_OP_COMMIT 2
#define RAWKV_OP_SYNC 3
RAWKV_C_API int rawkv_session_open(rawkv_engine* engine, const char* options, rawkv_session** session,
                                   char** error);
/* Completes what was accepted, drops what was not drained, and frees the handle. Before rawkv_close, or after
 * it. */
RAWKV_C_API void rawkv_session_close(rawkv_session* session);
/* Each sets `*id`. The library copies the keys and the array; the memory in `out` belongs to the operation
 * until its completion is drained. RAWKV_INVALID_ARGUMENT: the memory of two reads overlaps. */
RAWKV_C_API int rawkv_session_get(rawkv_session* session, const rawkv_read* reads, size_t read_size,
                                  size_t count, uint64_t* id, char** error);
RAWKV_C_API int rawkv_session_exists(rawkv_session* session, const rawkv_read* reads, size_t read_size,
                                     size_t count, uint64_t* id, char** error);
/* Empties the batch if the operation is accepted. `options` may be null. */
RAWKV_C_API int rawkv_session_commit(rawkv_session* session, rawkv_batch* batch,
                                     const rawkv_commit_options* options, uint64_t* id, char** error);
RAWKV_C_API int rawkv_session_sync(rawkv_session* session, uint64_t* id, char** error);
/* Readable exactly while completions wait. Only poll it. */
RAWKV_C_API int rawkv_session_event_fd(const rawkv_session* session);
/* 1: a completion can be drained. 0: `timeout_ms` has passed, or nothing is under way. Negative: no limit. */
RAWKV_C_API int rawkv_session_wait(rawkv_session* session, int64_t timeout_ms);

typedef struct rawkv_answer {
  int32_t code; /* RAWKV_OK, RAWKV_NOT_FOUND, or an error */
  uint32_t reserved;
  uint64_t size;
  uint64_t written_by;
} rawkv_answer;
typedef struct rawkv_completion {
  uint64_t id;
  int32_t op;
  int32_t code;    /* of the operation as a whole */
  int32_t outcome; /* of a commit */
  uint32_t reserved;
  uint64_t version; /* of a commit with RAWKV_APPLIED */
  size_t answer_count;
  const rawkv_answer* answers; /* of reads, in the order of the keys */
  size_t existed_count;
  const uint32_t* existed; /* as in rawkv_commit_result */
  const char* error;       /* null with RAWKV_OK */
  void* memory;            /* holds answers, existed and error; free it with rawkv_free */
} rawkv_completion;
/* Fills in up to `count` completions and returns their number. A completion for which there is no memory is
 * delivered with its code, id, op, outcome and version only: answers and existed are null. */
RAWKV_C_API size_t rawkv_session_drain(rawkv_session* session, rawkv_completion* out, size_t completion_size,
                                       size_t count);

#ifdef __cplusplus
} /* extern "C" */
#endif
