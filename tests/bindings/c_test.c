/* The C interface, from a program that is compiled as C99. Usage: c_test DIRECTORY, or c_test --abi, which
 * prints the sizes and the offsets that a binding depends on. */

#define _POSIX_C_SOURCE 200809L
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bindings/c_test.h"

int failures = 0;

void expect_code(const char* file, int line, int code, int expected, char* error) {
  if (code != expected || (code != RAWKV_OK) != (error != NULL)) {
    fprintf(stderr, "%s:%d: %s instead of %s: %s\n", file, line, rawkv_code_name(code),
            rawkv_code_name(expected), error != NULL ? error : "no text");
    ++failures;
  }
  rawkv_free(error);
}

void put(rawkv_engine* engine, const char* key, const char* value, uint32_t flags) {
  rawkv_batch* batch = rawkv_batch_new();
  rawkv_batch_put(batch, key, strlen(key), value, strlen(value), flags);
  CALL(RAWKV_OK, rawkv_commit(engine, batch, NULL, NULL, &error));
  rawkv_batch_free(batch);
}

int holds(rawkv_engine* engine, const rawkv_view* view, const char* key, const char* value) {
  char out[64];
  size_t size = 0;
  const int code = rawkv_get(engine, view, key, strlen(key), out, sizeof out, &size, NULL);
  if (value == NULL) return code == RAWKV_NOT_FOUND;
  return code == RAWKV_OK && size == strlen(value) && memcmp(out, value, size) == 0;
}

int has(char* text, const char* part) {
  const int found = text != NULL && strstr(text, part) != NULL;
  if (!found) fprintf(stderr, "not in it: %s\n%s\n", part, text != NULL ? text : "no text");
  rawkv_free(text);
  return found;
}

static void test_arguments(rawkv_engine* engine) {
  rawkv_batch* batch = rawkv_batch_new();
  rawkv_commit_options options = {0};
  rawkv_engine* none = NULL;
  char small[2];
  size_t size = 1;
  EXPECT(rawkv_abi_version() == RAWKV_ABI_VERSION);
  EXPECT(strcmp(rawkv_code_name(RAWKV_CORRUPTION), "corruption") == 0);
  EXPECT(strcmp(rawkv_code_name(99), "unknown") == 0);
  CALL(RAWKV_INVALID_ARGUMENT, rawkv_open("/nonexistent", "nonsense=1", &none, &error));
  CALL(RAWKV_INVALID_ARGUMENT, rawkv_open("/nonexistent", "queue_depth", &none, &error));
  CALL(RAWKV_INVALID_ARGUMENT, rawkv_open("/nonexistent", "queue_depth=9999999999", &none, &error));
  CALL(RAWKV_INVALID_ARGUMENT, rawkv_open("/nonexistent", "read_only=yes", &none, &error));
  CALL(RAWKV_NOT_FOUND, rawkv_open("/nonexistent", NULL, &none, &error));
  EXPECT(none == NULL);
  CALL(RAWKV_INVALID_ARGUMENT, rawkv_commit(engine, batch, &options, NULL, &error));
  options.struct_size = sizeof options;
  options.flags = RAWKV_SYNCED | RAWKV_UNSYNCED;
  CALL(RAWKV_INVALID_ARGUMENT, rawkv_commit(engine, batch, &options, NULL, &error));
  put(engine, "long", "a long value", 0);
  CALL(RAWKV_INVALID_ARGUMENT, rawkv_get(engine, NULL, "long", 4, small, sizeof small, &size, &error));
  EXPECT(size == strlen("a long value"));
  rawkv_batch_free(batch);
  rawkv_free(NULL);
}

static void test_commits(rawkv_engine* engine) {
  rawkv_batch* batch = rawkv_batch_new();
  rawkv_commit_result result;
  rawkv_commit_options options;
  int exists = 0;
  /* put "b" if absent, delete "long", delete ["x", "z") */
  static const unsigned char packed[] = {1,   1,   0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 'b', 't', 'w', 'o',
                                         2,   0,   0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'l', 'o', 'n', 'g',
                                         3,   0,   0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 'x', 'z'};
  put(engine, "a", "one", 0);
  rawkv_batch_put(batch, "a", 1, "other", 5, RAWKV_IF_ABSENT);
  CALL(RAWKV_INVALID_ARGUMENT, rawkv_batch_append(batch, packed, sizeof packed - 1, &error));
  EXPECT(rawkv_batch_count(batch) == 1);
  CALL(RAWKV_OK, rawkv_batch_append(batch, packed, sizeof packed, &error));
  EXPECT(rawkv_batch_count(batch) == 4);
  rawkv_batch_set_metadata(batch, "height 1", 8);
  memset(&result, 0, sizeof result);
  CALL(RAWKV_INVALID_ARGUMENT, rawkv_commit(engine, batch, NULL, &result, &error));
  result.struct_size = sizeof result;
  CALL(RAWKV_OK, rawkv_commit(engine, batch, NULL, &result, &error));
  EXPECT(result.outcome == RAWKV_APPLIED && result.version == rawkv_version(engine));
  EXPECT(result.existed_count == 1 && result.existed != NULL && result.existed[0] == 0);
  rawkv_free(result.existed);
  EXPECT(holds(engine, NULL, "a", "one") && holds(engine, NULL, "b", "two") && holds(engine, NULL, "long", NULL));
  CALL(RAWKV_OK, rawkv_exists(engine, NULL, "b", 1, &exists, &error));
  EXPECT(exists == 1);

  options.struct_size = sizeof options;
  options.flags = RAWKV_EXPECT_VERSION;
  options.expected_version = 1;
  CALL(RAWKV_FAILED_PRECONDITION, rawkv_commit(engine, batch, &options, &result, &error));
  EXPECT(result.outcome == RAWKV_NOT_APPLIED && result.existed == NULL);
  rawkv_batch_clear(batch);
  EXPECT(rawkv_batch_count(batch) == 0);
  rawkv_batch_free(batch);
}

static void test_multi_get(rawkv_engine* engine) {
  rawkv_read reads[3];
  char out[3][8];
  int i;
  memset(reads, 0, sizeof reads);
  for (i = 0; i < 3; ++i) {
    reads[i].key = i == 0 ? "a" : i == 1 ? "none" : "b";
    reads[i].key_size = i == 1 ? 4 : 1;
    reads[i].out = out[i];
    reads[i].out_size = i == 2 ? 2 : sizeof out[i];
  }
  CALL(RAWKV_INVALID_ARGUMENT, rawkv_multi_get(engine, NULL, reads, 8, 3, &error));
  CALL(RAWKV_OK, rawkv_multi_get(engine, NULL, reads, sizeof reads[0], 3, &error));
  EXPECT(reads[0].code == RAWKV_OK && reads[0].size == 3 && memcmp(out[0], "one", 3) == 0);
  EXPECT(reads[1].code == RAWKV_NOT_FOUND);
  EXPECT(reads[2].code == RAWKV_INVALID_ARGUMENT && reads[2].size == 3);
}

static void test_history(rawkv_engine* engine, const char* dir) {
  const uint64_t before = rawkv_version(engine);
  rawkv_view* view = NULL;
  rawkv_iterator* it = NULL;
  void* value = NULL;
  size_t size = 0;
  char out_dir[512], in_dir[512];
  char* json = NULL;
  uint64_t made = 0;
  CALL(RAWKV_OK, rawkv_snapshot(engine, &made, &error));
  EXPECT(made == before);
  put(engine, "a", "newer", 0);
  CALL(RAWKV_OK, rawkv_view_open(engine, before, &view, &error));
  EXPECT(rawkv_view_version(view) == before);
  EXPECT(holds(engine, view, "a", "one") && holds(engine, NULL, "a", "newer"));
  rawkv_view_close(view);
  CALL(RAWKV_VERSION_UNREACHABLE, rawkv_view_open(engine, 1000000, &view, &error));
  EXPECT(view == NULL);
  CALL(RAWKV_OK, rawkv_view_open(engine, RAWKV_TIP, &view, &error));

  CALL(RAWKV_OK, rawkv_iterator_open(engine, view, "a", 1, "c", 1, &it, &error));
  EXPECT(rawkv_iterator_valid(it) == 0 && rawkv_iterator_key(it, &size) == NULL && size == 0);
  CALL(RAWKV_FAILED_PRECONDITION, rawkv_iterator_value(it, &value, &size, &error));
  rawkv_iterator_last(it);
  EXPECT(rawkv_iterator_valid(it) == 1 && memcmp(rawkv_iterator_key(it, &size), "b", 1) == 0 && size == 1);
  rawkv_iterator_prev(it);
  CALL(RAWKV_OK, rawkv_iterator_value(it, &value, &size, &error));
  EXPECT(size == 5 && memcmp(value, "newer", 5) == 0);
  rawkv_free(value);
  rawkv_iterator_prev(it);
  EXPECT(rawkv_iterator_valid(it) == 0);
  rawkv_iterator_prev(it);
  CALL(RAWKV_OK, rawkv_iterator_status(it, &error));
  rawkv_iterator_seek(it, "aa", 2);
  EXPECT(rawkv_iterator_valid(it) == 1);
  rawkv_iterator_first(it);
  rawkv_iterator_next(it);
  EXPECT(rawkv_iterator_valid(it) == 1);
  CALL(RAWKV_BUSY, rawkv_close(engine, &error));
  rawkv_iterator_close(it);
  rawkv_view_close(view);

  CALL(RAWKV_OK, rawkv_pin(engine, "kept", RAWKV_TIP, &made, &error));
  CALL(RAWKV_FAILED_PRECONDITION, rawkv_rollback(engine, before, 0, &error));
  CALL(RAWKV_INVALID_ARGUMENT, rawkv_rollback(engine, before, 64, &error));
  CALL(RAWKV_OK, rawkv_unpin(engine, "kept", &error));
  snprintf(out_dir, sizeof out_dir, "%s-export", dir);
  snprintf(in_dir, sizeof in_dir, "%s-import", dir);
  CALL(RAWKV_OK, rawkv_export(engine, RAWKV_TIP, out_dir, &error));
  CALL(RAWKV_OK, rawkv_rollback(engine, before, RAWKV_DROP_PINS, &error));
  EXPECT(rawkv_version(engine) == before && holds(engine, NULL, "a", "one"));
  CALL(RAWKV_OK, rawkv_import(out_dir, in_dir, "", &error));
  {
    rawkv_engine* imported = NULL;
    CALL(RAWKV_OK, rawkv_open(in_dir, "read_only=1", &imported, &error));
    EXPECT(imported != NULL && holds(imported, NULL, "a", "newer"));
    CALL(RAWKV_OK, rawkv_close(imported, &error));
  }
  CALL(RAWKV_OK, rawkv_stats_json(engine, &json, &error));
  EXPECT(json != NULL && json[0] == '{' && strstr(json, "\"commits\":") != NULL);
  rawkv_free(json);
}

/* Commits and reads under way from one thread, which waits on the descriptor. */
static void test_session(rawkv_engine* engine) {
  enum { kReads = 64, kBytes = 5000 };
  rawkv_session* session = NULL;
  rawkv_batch* batch = rawkv_batch_new();
  char* out[kReads];
  static char value[kBytes];
  uint64_t id = 0, commit = 0, sync = 0;
  int left = kReads + 3, i;
  struct pollfd wait;
  rawkv_read none;
  CALL(RAWKV_INVALID_ARGUMENT, rawkv_session_open(engine, "operations_max=0", &session, &error));
  CALL(RAWKV_OK, rawkv_session_open(engine, "operations_max=1000 bytes_in_flight_max=1MiB", &session, &error));
  CALL(RAWKV_INVALID_ARGUMENT, rawkv_session_register_memory(session, NULL, 0, &error));
  memset(value, 's', sizeof value);
  rawkv_batch_put(batch, "a", 1, value, sizeof value, RAWKV_IF_ABSENT | RAWKV_BORROW);
  rawkv_batch_put(batch, "s", 1, value, sizeof value, RAWKV_IF_ABSENT | RAWKV_BORROW);
  CALL(RAWKV_OK, rawkv_session_commit(session, batch, NULL, &commit, &error));
  EXPECT(rawkv_batch_count(batch) == 0);
  for (i = 0; i < kReads; ++i) {
    rawkv_read read;
    memset(&read, 0, sizeof read);
    out[i] = malloc(kBytes);
    read.key = "s";
    read.key_size = 1;
    read.out = out[i];
    read.out_size = kBytes;
    CALL(RAWKV_OK, rawkv_session_get(session, &read, sizeof read, 1, &id, &error));
    EXPECT(id == (uint64_t)i + 2);
  }
  memset(&none, 0, sizeof none);
  none.key = "none";
  none.key_size = 4;
  CALL(RAWKV_OK, rawkv_session_exists(session, &none, sizeof none, 1, &id, &error));
  CALL(RAWKV_OK, rawkv_session_sync(session, &sync, &error));
  wait.fd = rawkv_session_event_fd(session);
  wait.events = POLLIN;
  while (left > 0 && failures == 0) {
    rawkv_completion done[8];
    size_t count, k;
    if (poll(&wait, 1, 30000) != 1) {
      EXPECT(!"the descriptor became readable");
      break;
    }
    count = rawkv_session_drain(session, done, sizeof done[0], 8);
    for (k = 0; k < count; ++k, --left) {
      EXPECT(done[k].code == RAWKV_OK && done[k].error == NULL);
      if (done[k].id == commit) {
        EXPECT(done[k].op == RAWKV_OP_COMMIT && done[k].outcome == RAWKV_APPLIED);
        EXPECT(done[k].version == rawkv_version(engine));
        EXPECT(done[k].existed_count == 1 && done[k].existed[0] == 0);
      } else if (done[k].id == id) {
        EXPECT(done[k].op == RAWKV_OP_EXISTS && done[k].answers[0].code == RAWKV_NOT_FOUND);
      } else if (done[k].id != sync) {
        char* const memory = out[done[k].id - 2];
        EXPECT(done[k].answer_count == 1 && done[k].answers[0].size == kBytes);
        EXPECT(memcmp(memory, value, kBytes) == 0);
        free(memory);
      }
      rawkv_free(done[k].memory);
    }
  }
  EXPECT(rawkv_session_wait(session, -1) == 0);
  {
    char* json = NULL;
    CALL(RAWKV_OK, rawkv_session_stats_json(session, &json, &error));
    EXPECT(has(json, "\"completed\":67"));
  }
  rawkv_batch_put(batch, "", 0, "x", 1, 0);
  CALL(RAWKV_OK, rawkv_session_commit(session, batch, NULL, &commit, &error));
  EXPECT(rawkv_session_wait(session, -1) == 1);
  {
    rawkv_completion done;
    EXPECT(rawkv_session_drain(session, &done, 1, 1) == 0);
    EXPECT(rawkv_session_drain(session, &done, sizeof done, 1) == 1);
    EXPECT(done.code == RAWKV_INVALID_ARGUMENT && done.outcome == RAWKV_NOT_APPLIED && done.error != NULL);
    rawkv_free(done.memory);
  }
  rawkv_session_close(session);
  rawkv_batch_free(batch);
}

#define PRINT_SIZE(type) printf("sizeof %s %zu\n", #type, sizeof(type))
#define PRINT_OFFSET(type, field) printf("offset %s.%s %zu\n", #type, #field, offsetof(type, field))

static void print_abi(void) {
  printf("abi_version %u\n", (unsigned)rawkv_abi_version());
  PRINT_SIZE(rawkv_answer);
  PRINT_OFFSET(rawkv_answer, written_by);
  PRINT_SIZE(rawkv_commit_options);
  PRINT_OFFSET(rawkv_commit_options, flags);
  PRINT_SIZE(rawkv_commit_result);
  PRINT_OFFSET(rawkv_commit_result, outcome);
  PRINT_OFFSET(rawkv_commit_result, existed);
  PRINT_SIZE(rawkv_completion);
  PRINT_OFFSET(rawkv_completion, version);
  PRINT_OFFSET(rawkv_completion, answers);
  PRINT_OFFSET(rawkv_completion, memory);
  PRINT_SIZE(rawkv_export_summary);
  PRINT_OFFSET(rawkv_export_summary, chunk_count);
  PRINT_OFFSET(rawkv_export_summary, hash);
  PRINT_SIZE(rawkv_log_sink);
  PRINT_OFFSET(rawkv_log_sink, log);
  PRINT_OFFSET(rawkv_log_sink, context);
  PRINT_SIZE(rawkv_query);
  PRINT_OFFSET(rawkv_query, from);
  PRINT_OFFSET(rawkv_query, prefix);
  PRINT_OFFSET(rawkv_query, limit);
  PRINT_OFFSET(rawkv_query, flags);
  PRINT_SIZE(rawkv_version_range);
  PRINT_SIZE(rawkv_read);
  PRINT_OFFSET(rawkv_read, code);
  PRINT_OFFSET(rawkv_read, written_by);
}

int main(int argc, char** argv) {
  rawkv_engine* engine = NULL;
  if (argc == 2 && strcmp(argv[1], "--abi") == 0) {
    print_abi();
    return 0;
  }
  if (argc != 2) return 2;
  CALL(RAWKV_INVALID_ARGUMENT, rawkv_format(argv[1], "capacity=64Mib", &error));
  CALL(RAWKV_OK, rawkv_format(argv[1], "capacity=64MiB inline_bytes=64\nsnapshot_interval=0", &error));
  CALL(RAWKV_OK, rawkv_open(argv[1], " engine=auto\tdurability=synced\n", &engine, &error));
  if (engine == NULL) return 1;
  test_arguments(engine);
  test_commits(engine);
  test_multi_get(engine);
  test_history(engine, argv[1]);
  test_session(engine);
  test_next_many(engine);
  test_documents(engine);
  test_upkeep(engine);
  test_chunks(engine, argv[1]);
  CALL(RAWKV_OK, rawkv_sync(engine, &error));
  EXPECT(rawkv_durable_version(engine) == rawkv_version(engine));
  CALL(RAWKV_OK, rawkv_close(engine, &error));
  CALL(RAWKV_OK, rawkv_close(NULL, &error));
  test_log_sink(argv[1]);
  test_closed_store(argv[1]);
  printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
