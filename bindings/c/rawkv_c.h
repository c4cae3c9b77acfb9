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
 * and an iterator belong to one thread at a time. No call throws or installs a signal handler. Nothing calls
 * back, except the log sink of rawkv_open_logged.
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
#define RAWKV_ABI_VERSION 2
RAWKV_C_API uint32_t rawkv_abi_version(void);
/* "MAJOR.MINOR.PATCH", constant text */
RAWKV_C_API const char* rawkv_library_version(void);

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
typedef struct rawkv_chunk_reader rawkv_chunk_reader;
typedef struct rawkv_chunk_receiver rawkv_chunk_receiver;

/* Where a version is an argument: the tip. */
#define RAWKV_TIP UINT64_MAX

/* ---- the store ----
 * The settings of a store are the keys durability (synced, unsafe_unsynced), snapshot_interval,
 * snapshot_log_bytes, keep_recent, keep_for_seconds, keep_tiers (EVERY/FOR in seconds, separated by commas,
 * or 0), history_bytes_max, wal_segment_bytes and undo_versions.
 *
 * Keys of `options` of rawkv_format: device, capacity, slot_bytes, header_bytes, inline_bytes,
 * meta_total_bytes, initial_version, force, preallocate, log (stderr, none), and the settings.
 * Of rawkv_open: device, engine (auto, posix, io_uring, nvme), cache (direct, buffered), queue_depth,
 * read_only, accept_older_store, lock_wait_ms, slot_bytes, header_bytes and inline_bytes (as expected),
 * memtable_bytes, block_cache_bytes, value_cache_bytes, group_bytes_max, discard_freed,
 * scrub_bytes_per_second, scrub_rest_seconds, checkpoint_interval_ms, checkpoint_max_age_ms,
 * status_interval_ms, serve_requests, log, and the settings, which then count until the close. A flag is 0
 * or 1. */
RAWKV_C_API int rawkv_format(const char* dir, const char* options, char** error);
RAWKV_C_API int rawkv_open(const char* dir, const char* options, rawkv_engine** engine, char** error);
#define RAWKV_LOG_INFO 0
#define RAWKV_LOG_WARNING 1
#define RAWKV_LOG_ERROR 2
/* Takes a report to the operator, without a newline or a NUL at its end. Any thread of the library or of the
 * caller calls it, also several at a time. It must not call the library, must return soon, and must not
 * throw. `message` is valid during the call only. */
typedef void (*rawkv_log_fn)(void* context, int level, const char* message, size_t size);
typedef struct rawkv_log_sink {
  size_t struct_size;
  rawkv_log_fn log;
  void* context; /* passed to `log`; valid until rawkv_close has freed the handle, or the open has failed */
} rawkv_log_sink;
/* Like rawkv_open, with a sink for what the engine logs. The library copies `sink`; null: the key `log`. */
RAWKV_C_API int rawkv_open_logged(const char* dir, const char* options, const rawkv_log_sink* sink,
                                  rawkv_engine** engine, char** error);
/* Closes the engine and frees the handle. RAWKV_BUSY: a view or an iterator is open, and the handle stays
 * valid. After any other error the handle is freed, too. */
RAWKV_C_API int rawkv_close(rawkv_engine* engine, char** error);
RAWKV_C_API uint64_t rawkv_version(const rawkv_engine* engine);
RAWKV_C_API uint64_t rawkv_durable_version(const rawkv_engine* engine);
RAWKV_C_API int rawkv_sync(rawkv_engine* engine, char** error);
/* For an engine with read_only: moves the tip to the newest version of the store. Views and iterators keep
 * theirs. */
RAWKV_C_API int rawkv_refresh(rawkv_engine* engine, char** error);

/* ---- reads: `view` may be null for the tip ---- */
/* RAWKV_INVALID_ARGUMENT: `out_size` is too small; `*size` is then the length if it is known, else 0. */
RAWKV_C_API int rawkv_get(rawkv_engine* engine, const rawkv_view* view, const void* key, size_t key_size,
                          void* out, size_t out_size, size_t* size, char** error);
/* Reads the bytes from `offset` on, `out_size` of them or fewer at the end of the value; 0 past the end. */
RAWKV_C_API int rawkv_get_range(rawkv_engine* engine, const rawkv_view* view, const void* key,
                                size_t key_size, uint64_t offset, void* out, size_t out_size, size_t* size,
                                char** error);
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
/* Length of the value, and the version that wrote it; 0 without an entry. */
RAWKV_C_API uint64_t rawkv_iterator_value_size(const rawkv_iterator* iterator);
RAWKV_C_API uint64_t rawkv_iterator_written_by(const rawkv_iterator* iterator);
#define RAWKV_KEYS_ONLY 1u
#define RAWKV_BACKWARDS 2u
/* Fills `out` with the present entry and those after it (RAWKV_BACKWARDS: before it), as many as fit, and
 * moves the iterator past them, to the first entry that is not in `out`. Sets `*size` to the bytes that were
 * filled, and `*count` to the number of entries; 0: the walk has ended.
 *
 * Each entry is, without padding and little-endian:
 *
 *   offset  size  field
 *        0     4  code of the value: RAWKV_OK, or why it could not be read
 *        4     4  key size
 *        8     8  value size, of the value in the store
 *       16     8  version that wrote the value
 *       24        the key, then the value
 *
 * The value is there if the code is RAWKV_OK and the flag RAWKV_KEYS_ONLY is not set. So a damaged value ends
 * nothing: its entry has RAWKV_CORRUPTION, and the walk continues with the next entry.
 *
 * RAWKV_INVALID_ARGUMENT: the present entry does not fit. `*size` is the size that it needs, `*count` is 0,
 * and the iterator stays at it. Any other error has ended the walk; an earlier call has returned the entries
 * before it. */
RAWKV_C_API int rawkv_iterator_next_many(rawkv_iterator* iterator, void* out, size_t out_size, uint32_t flags,
                                         size_t* size, size_t* count, char** error);
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
/* An empty prefix deletes everything. */
RAWKV_C_API void rawkv_batch_delete_prefix(rawkv_batch* batch, const void* prefix, size_t prefix_size);
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

/* ---- documents ----
 * JSON in one line, as rawkv-ctl prints it with --json; docs/cli.md lists the fields. A later version adds
 * fields. "lines" are such documents, each with a newline at its end. Bytes that are not UTF-8 are in a field
 * whose name ends with _b64. Free the text with rawkv_free. */
RAWKV_C_API int rawkv_info_json(rawkv_engine* engine, char** json, char** error); /* `info` */
RAWKV_C_API int rawkv_stats_json(rawkv_engine* engine, char** json,
                                 char** error); /* counters since the open */
/* `stats --prometheus`: sizes, and the counters of the process that has the store open for writing. */
RAWKV_C_API int rawkv_prometheus_text(rawkv_engine* engine, char** text, char** error);
RAWKV_C_API int rawkv_snapshots_json(rawkv_engine* engine, char** lines, char** error); /* with their pins */
/* {"version","lineage","time_unix_ms","metadata"} of a retained version. */
RAWKV_C_API int rawkv_commit_json(rawkv_engine* engine, uint64_t version, char** json, char** error);
/* The newest retained version that was committed at or before `unix_ms`. RAWKV_VERSION_UNREACHABLE: none. */
RAWKV_C_API int rawkv_version_at(rawkv_engine* engine, uint64_t unix_ms, uint64_t* version, char** error);

typedef struct rawkv_query {
  size_t struct_size;
  uint64_t from, to;         /* versions, both included; `to` may be RAWKV_TIP */
  const void *lower, *upper; /* keys, as for an iterator; null is open */
  const void* prefix;        /* null: any */
  size_t lower_size, upper_size, prefix_size;
  uint64_t limit; /* at most so many lines; 0: no limit */
  uint32_t flags;
} rawkv_query;
#define RAWKV_WITH_CHANGES 1u /* of rawkv_history_json: the keys that each version changed */
/* Both return a page: lines until `limit`, or until they have 4 MiB, and their number in `*count`. No line:
 * the end. Ask for the next page with a narrower query; see each of them. `log`: the retained versions,
 * newest first. `from` 0: the oldest. Next page: `to` = the last version - 1. */
RAWKV_C_API int rawkv_history_json(rawkv_engine* engine, const rawkv_query* query, char** lines,
                                   size_t* count, char** error);
/* `diff`: the keys that differ between two versions, in byte order. Each page finds the differences again.
 * Next page: `lower` = the last key and a zero byte. */
RAWKV_C_API int rawkv_diff_json(rawkv_engine* engine, const rawkv_query* query, char** lines, size_t* count,
                                char** error);
/* {"undo_versions","replay_records","replay_bytes","estimated_seconds","rate_measured"}: the work of
 * rawkv_view_open. */
RAWKV_C_API int rawkv_estimate_view_json(rawkv_engine* engine, uint64_t version, char** json, char** error);

/* ---- history ---- */
RAWKV_C_API int rawkv_snapshot(rawkv_engine* engine, uint64_t* version, char** error);
RAWKV_C_API int rawkv_delete_snapshot(rawkv_engine* engine, uint64_t version, char** error);
#define RAWKV_KEEP_AS_SET UINT64_MAX
/* Removes unpinned snapshots but the newest one and `keep` more. {"removed":[…]} */
RAWKV_C_API int rawkv_prune(rawkv_engine* engine, uint64_t keep, char** json, char** error);
/* `version` may be RAWKV_TIP. */
RAWKV_C_API int rawkv_pin(rawkv_engine* engine, const char* name, uint64_t version, uint64_t* pinned,
                          char** error);
RAWKV_C_API int rawkv_unpin(rawkv_engine* engine, const char* name, char** error);
#define RAWKV_DROP_PINS 1u
RAWKV_C_API int rawkv_rollback(rawkv_engine* engine, uint64_t target, uint32_t flags, char** error);
/* What rawkv_rollback would do; changes nothing. "blocked_by" is empty if nothing blocks it. */
RAWKV_C_API int rawkv_rollback_plan_json(rawkv_engine* engine, uint64_t target, uint32_t flags, char** json,
                                         char** error);

/* ---- upkeep ---- */
/* Changes settings for good; `settings` has some of their keys. Returns all of them. */
RAWKV_C_API int rawkv_change_settings(rawkv_engine* engine, const char* settings, char** json, char** error);
RAWKV_C_API int rawkv_acknowledge_given_up(rawkv_engine* engine, char** error);
/* Keys of `options`: bytes_per_second, restart, and of rawkv_scrub_start rest_seconds. Damage is no error:
 * see "findings". The first runs one pass and waits for it; the second starts a run in the background. */
RAWKV_C_API int rawkv_scrub_json(rawkv_engine* engine, const char* options, char** json, char** error);
RAWKV_C_API int rawkv_scrub_start(rawkv_engine* engine, const char* options, char** error);
RAWKV_C_API int rawkv_scrub_stop_json(rawkv_engine* engine, char** json, char** error);
RAWKV_C_API int rawkv_scrub_report_json(rawkv_engine* engine, char** json, char** error);
/* `capacity_bytes` 0: what the device has; otherwise makes the device file so large first. */
RAWKV_C_API int rawkv_device_grow_json(rawkv_engine* engine, uint64_t capacity_bytes, char** json,
                                       char** error);
RAWKV_C_API int rawkv_device_trim_json(rawkv_engine* engine, char** json, char** error);

/* ---- a store that this process does not have open ----
 * Keys of `options`: device, engine, lock_wait_ms, log, and of the check and the repairs deep. */
/* Also of a store that cannot be opened: "health" then has the error. */
RAWKV_C_API int rawkv_store_info_json(const char* dir, const char* options, char** json, char** error);
/* `*interrupted` becomes 1 if a rollback or a removal was interrupted; the next open finishes it. */
RAWKV_C_API int rawkv_store_interrupted(const char* dir, const char* options, int* interrupted, char** error);
RAWKV_C_API int rawkv_store_snapshots_json(const char* dir, const char* options, char** lines, char** error);
/* `version` RAWKV_TIP: all snapshots. Lines {"version","ok","errors"}. */
RAWKV_C_API int rawkv_store_verify_snapshots_json(const char* dir, uint64_t version, const char* options,
                                                  char** lines, char** error);
RAWKV_C_API int rawkv_store_log_json(const char* dir, const char* options, char** lines, char** error);
RAWKV_C_API int rawkv_store_verify_log_json(const char* dir, const char* options, char** json, char** error);
/* `fsck`. Damage is no error: see "ok" and "findings". */
RAWKV_C_API int rawkv_store_check_json(const char* dir, const char* options, char** json, char** error);
/* What a repair would do, and what it would give up; changes nothing. */
RAWKV_C_API int rawkv_store_repair_plan_json(const char* dir, const char* options, char** json, char** error);
typedef struct rawkv_version_range {
  uint64_t first, last; /* both included */
} rawkv_version_range;
/* `may_give_up`: the ranges of "gives_up" of the plan to which the operator agreed; with `count` 0 and not
 * null if there are none. Null, or other ranges than the repair would give up now: it runs only the steps
 * that need no agreement. "agreed" shows which happened, "repaired" the steps that ran. */
RAWKV_C_API int rawkv_store_repair_json(const char* dir, const char* options,
                                        const rawkv_version_range* may_give_up, size_t range_size,
                                        size_t count, char** json, char** error);
/* A rollback that does not open the store; works where the log above the target is damaged. */
RAWKV_C_API int rawkv_store_rollback_plan_json(const char* dir, uint64_t target, uint32_t flags,
                                               const char* options, char** json, char** error);
RAWKV_C_API int rawkv_store_rollback(const char* dir, uint64_t target, uint32_t flags, const char* options,
                                     char** error);

/* ---- export and import ---- */
RAWKV_C_API int rawkv_export(rawkv_engine* engine, uint64_t version, const char* dir, char** error);
/* Key of `options`: chunk_bytes, 1 MiB to 16 MiB (8MiB). */
RAWKV_C_API int rawkv_export_with(rawkv_engine* engine, uint64_t version, const char* dir,
                                  const char* options, char** error);
/* Makes a store of an export. Keys of `options`: device, capacity, slot_bytes, header_bytes, inline_bytes,
 * meta_total_bytes, force, preallocate, log. */
RAWKV_C_API int rawkv_import(const char* export_dir, const char* dir, const char* options, char** error);

/* An export as numbered chunks, for a network (state sync). Chunk 0 is the manifest, which holds the
 * checksums of the others. Equal content gives equal chunks, so that each can come from another sender. */
#define RAWKV_CHUNK_BYTES_MAX 15728640
typedef struct rawkv_export_summary {
  size_t struct_size;
  uint64_t version;
  uint64_t chunk_count;     /* with chunk 0 */
  uint64_t chunk_bytes_max; /* size of the largest one, at most RAWKV_CHUNK_BYTES_MAX */
  uint64_t bytes;           /* of all chunks */
  uint8_t hash[32];         /* SHA-256 of chunk 0; it identifies the export */
} rawkv_export_summary;
/* RAWKV_NOT_SUPPORTED: a chunk is larger than RAWKV_CHUNK_BYTES_MAX; export again with other chunk_bytes. */
RAWKV_C_API int rawkv_chunk_reader_open(const char* export_dir, rawkv_chunk_reader** reader, char** error);
RAWKV_C_API void rawkv_chunk_reader_close(rawkv_chunk_reader* reader);
RAWKV_C_API int rawkv_chunk_reader_summary(const rawkv_chunk_reader* reader, rawkv_export_summary* summary,
                                           char** error);
/* Reads and verifies a chunk. RAWKV_INVALID_ARGUMENT: no such chunk, or `out_size` is too small. */
RAWKV_C_API int rawkv_chunk_read(rawkv_chunk_reader* reader, uint64_t number, void* out, size_t out_size,
                                 size_t* size, char** error);
/* Collects the chunks of the export with this hash in `dir`, or continues an earlier receipt. Once all are
 * there, rawkv_import makes a store of `dir`. */
RAWKV_C_API int rawkv_chunk_receiver_open(const char* dir, const void* hash, size_t hash_size,
                                          rawkv_chunk_receiver** receiver, char** error);
/* What was received stays. */
RAWKV_C_API void rawkv_chunk_receiver_close(rawkv_chunk_receiver* receiver);
/* Verifies a chunk and keeps it durably. Chunk 0 must be the first; the others may come in any order, and
 * again. RAWKV_CORRUPTION: the chunk is wrong; the error names its number, and nothing of it is kept.
 * RAWKV_FAILED_PRECONDITION: chunk 0 is not there yet. */
RAWKV_C_API int rawkv_chunk_add(rawkv_chunk_receiver* receiver, uint64_t number, const void* bytes,
                                size_t size, char** error);
RAWKV_C_API int rawkv_chunk_receiver_complete(const rawkv_chunk_receiver* receiver); /* 0 or 1 */
/* Fills in up to `count` numbers of missing chunks, ascending, and returns how many it filled in. */
RAWKV_C_API size_t rawkv_chunk_receiver_missing(const rawkv_chunk_receiver* receiver, uint64_t* numbers,
                                                size_t count);

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
/* Registers memory, any part of which may be used for reads by this session from then on at less cost to the
 * kernel. It must stay mapped until the session is closed. RAWKV_NOT_SUPPORTED: another engine than io_uring, or
 * a kernel before 5.19. RAWKV_IO_ERROR: the limit of locked memory. Everything works without. */
RAWKV_C_API int rawkv_session_register_memory(rawkv_session* session, void* memory, size_t size, char** error);
/* Counters of the session. */
RAWKV_C_API int rawkv_session_stats_json(rawkv_session* session, char** json, char** error);
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
