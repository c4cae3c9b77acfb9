/* Documents, history, upkeep, the log sink, and calls on a closed store. */

#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bindings/c_test.h"

static size_t lines_of(const char* text) {
  size_t count = 0;
  for (; text != NULL && *text != '\0'; ++text) count += *text == '\n';
  return count;
}

void test_documents(rawkv_engine* engine) {
  char* text = NULL;
  char part[64];
  uint64_t version = 0, before;
  rawkv_query query;
  size_t count = 0;
  put(engine, "doc/one", "1", 0);
  before = rawkv_version(engine);
  put(engine, "doc/one", "22", 0);
  put(engine, "doc/\xFF", "3", 0);

  CALL(RAWKV_OK, rawkv_info_json(engine, &text, &error));
  snprintf(part, sizeof part, "\"version\":%llu,", (unsigned long long)rawkv_version(engine));
  EXPECT(text != NULL && strstr(text, "\"health\":\"ok\"") != NULL);
  EXPECT(has(text, part));
  CALL(RAWKV_OK, rawkv_prometheus_text(engine, &text, &error));
  EXPECT(text != NULL && strstr(text, "# TYPE rawkv_writer_commits_total counter\n") != NULL);
  snprintf(part, sizeof part, "\"} %llu\n", (unsigned long long)rawkv_version(engine));
  EXPECT(has(text, part));

  CALL(RAWKV_OK, rawkv_commit_json(engine, before, &text, &error));
  snprintf(part, sizeof part, "{\"version\":%llu,\"lineage\":", (unsigned long long)before);
  EXPECT(has(text, part));
  CALL(RAWKV_VERSION_UNREACHABLE, rawkv_commit_json(engine, 1000000, &text, &error));
  EXPECT(text == NULL);
  CALL(RAWKV_OK, rawkv_version_at(engine, UINT64_MAX, &version, &error));
  EXPECT(version == rawkv_version(engine));
  CALL(RAWKV_VERSION_UNREACHABLE, rawkv_version_at(engine, 1, &version, &error));

  memset(&query, 0, sizeof query);
  CALL(RAWKV_INVALID_ARGUMENT, rawkv_history_json(engine, &query, &text, &count, &error));
  query.struct_size = sizeof query;
  query.to = RAWKV_TIP;
  query.limit = 2;
  query.flags = RAWKV_WITH_CHANGES;
  CALL(RAWKV_OK, rawkv_history_json(engine, &query, &text, &count, &error));
  EXPECT(count == 2 && lines_of(text) == 2 && strstr(text, "\"key_b64\":\"ZG9jL/8=\"") != NULL);
  EXPECT(has(text, "\"op\":\"put\",\"key\":\"doc/one\",\"size\":2"));
  query.to = rawkv_version(engine) - 2; /* the next page */
  query.limit = 1;
  query.flags = 0;
  CALL(RAWKV_OK, rawkv_history_json(engine, &query, &text, &count, &error));
  EXPECT(count == 1);
  EXPECT(has(text, part));

  query.from = before;
  query.to = RAWKV_TIP;
  query.limit = 0;
  query.prefix = "doc/";
  query.prefix_size = 4;
  CALL(RAWKV_OK, rawkv_diff_json(engine, &query, &text, &count, &error));
  EXPECT(count == 2 && text != NULL && strstr(text, "\"change\":\"added\"") != NULL);
  EXPECT(has(text, "{\"change\":\"changed\",\"key\":\"doc/one\",\"from\":{\"size\":1,"));
  query.lower = "doc/one"; /* the next page, after "doc/one": its zero byte belongs to the bound */
  query.lower_size = 8;
  CALL(RAWKV_OK, rawkv_diff_json(engine, &query, &text, &count, &error));
  EXPECT(count == 1);
  rawkv_free(text);
  query.flags = 2;
  CALL(RAWKV_INVALID_ARGUMENT, rawkv_diff_json(engine, &query, &text, &count, &error));

  CALL(RAWKV_OK, rawkv_estimate_view_json(engine, before, &text, &error));
  EXPECT(has(text, "\"replay_records\":"));
  CALL(RAWKV_OK, rawkv_rollback_plan_json(engine, before, 0, &text, &error));
  snprintf(part, sizeof part, "\"to\":%llu,", (unsigned long long)before);
  EXPECT(has(text, part));
  CALL(RAWKV_INVALID_ARGUMENT, rawkv_rollback_plan_json(engine, before, 2, &text, &error));
}

void test_upkeep(rawkv_engine* engine) {
  char* text = NULL;
  char part[96];
  uint64_t made = 0;
  rawkv_batch* batch = rawkv_batch_new();
  CALL(RAWKV_OK, rawkv_pin(engine, "held", RAWKV_TIP, &made, &error));
  CALL(RAWKV_OK, rawkv_snapshots_json(engine, &text, &error));
  EXPECT(has(text, "\"pins\":[\"held\"]"));
  CALL(RAWKV_FAILED_PRECONDITION, rawkv_delete_snapshot(engine, made, &error));
  CALL(RAWKV_OK, rawkv_unpin(engine, "held", &error));
  put(engine, "more", "1", 0);
  CALL(RAWKV_OK, rawkv_snapshot(engine, NULL, &error));
  put(engine, "more", "2", 0);
  CALL(RAWKV_OK, rawkv_snapshot(engine, NULL, &error));
  CALL(RAWKV_OK, rawkv_delete_snapshot(engine, made, &error));
  CALL(RAWKV_OK, rawkv_prune(engine, 0, &text, &error));
  EXPECT(has(text, "{\"removed\":["));
  CALL(RAWKV_OK, rawkv_prune(engine, RAWKV_KEEP_AS_SET, &text, &error));
  EXPECT(has(text, "{\"removed\":[]}"));

  CALL(RAWKV_OK, rawkv_change_settings(engine, "keep_recent=3 keep_tiers=3600/86400,86400/2592000", &text,
                                       &error));
  EXPECT(text != NULL && strstr(text, "\"keep_recent\":3") != NULL);
  EXPECT(has(text, "[{\"every_seconds\":3600,\"for_seconds\":86400},"));
  CALL(RAWKV_OK, rawkv_change_settings(engine, "keep_tiers=0 history_bytes_max=1GiB", &text, &error));
  EXPECT(text != NULL && strstr(text, "\"history_bytes_max\":1073741824") != NULL);
  EXPECT(has(text, "\"keep_tiers\":[]"));
  CALL(RAWKV_INVALID_ARGUMENT, rawkv_change_settings(engine, "keep_tiers=1h/1d", &text, &error));
  CALL(RAWKV_INVALID_ARGUMENT, rawkv_change_settings(engine, "keep_tiers=1,2", &text, &error));
  CALL(RAWKV_INVALID_ARGUMENT, rawkv_change_settings(engine, "no=1", &text, &error));
  CALL(RAWKV_OK, rawkv_acknowledge_given_up(engine, &error));

  CALL(RAWKV_OK, rawkv_scrub_json(engine, "bytes_per_second=0", &text, &error));
  EXPECT(text != NULL && strstr(text, "\"complete\":true") != NULL);
  EXPECT(has(text, "{\"ok\":true,"));
  CALL(RAWKV_OK, rawkv_scrub_start(engine, "bytes_per_second=1KiB rest_seconds=0", &error));
  CALL(RAWKV_BUSY, rawkv_scrub_json(engine, NULL, &text, &error));
  CALL(RAWKV_OK, rawkv_scrub_report_json(engine, &text, &error));
  EXPECT(has(text, "\"running\":true"));
  CALL(RAWKV_OK, rawkv_scrub_stop_json(engine, &text, &error));
  EXPECT(has(text, "\"running\":false"));
  CALL(RAWKV_INVALID_ARGUMENT, rawkv_scrub_start(engine, "speed=1", &error));

  CALL(RAWKV_OK, rawkv_device_grow_json(engine, 96u << 20, &text, &error));
  snprintf(part, sizeof part, "{\"capacity_bytes\":%u,", 96u << 20);
  EXPECT(has(text, part));
  CALL(RAWKV_INVALID_ARGUMENT, rawkv_device_grow_json(engine, 4096, &text, &error));
  CALL(RAWKV_OK, rawkv_device_trim_json(engine, &text, &error));
  EXPECT(has(text, "{\"slots\":"));
  CALL(RAWKV_OK, rawkv_refresh(engine, &error));

  rawkv_batch_delete_prefix(batch, "doc/", 4);
  CALL(RAWKV_OK, rawkv_commit(engine, batch, NULL, NULL, &error));
  EXPECT(holds(engine, NULL, "doc/one", NULL) && holds(engine, NULL, "more", "2"));
  rawkv_batch_free(batch);
}

/* Counts what the engine logs. The sink of a test is called from several threads at a time. */
typedef struct log_count {
  int warnings, wrong;
} log_count;
static void count_message(void* context, int level, const char* message, size_t size) {
  log_count* const count = context;
  const int right = level >= RAWKV_LOG_INFO && level <= RAWKV_LOG_ERROR && size != 0 && message[size - 1] != '\n';
  __atomic_add_fetch(right ? &count->warnings : &count->wrong, !right || level == RAWKV_LOG_WARNING, __ATOMIC_SEQ_CST);
}

void test_log_sink(const char* dir) {
  rawkv_engine* engine = NULL;
  log_count count = {0, 0};
  rawkv_log_sink sink;
  char* text = NULL;
  char path[512];
  memset(&sink, 0, sizeof sink);
  CALL(RAWKV_INVALID_ARGUMENT, rawkv_open_logged(dir, NULL, &sink, &engine, &error));
  sink.struct_size = sizeof sink;
  CALL(RAWKV_INVALID_ARGUMENT, rawkv_open_logged(dir, NULL, &sink, &engine, &error));
  sink.log = count_message;
  sink.context = &count;
  /* The loss of STORE-COPY is worth a warning. */
  snprintf(path, sizeof path, "%s/STORE-COPY", dir);
  EXPECT(unlink(path) == 0);
  CALL(RAWKV_OK, rawkv_open_logged(dir, "undo_versions=0", &sink, &engine, &error));
  memset(&sink, 0, sizeof sink); /* the library has a copy */
  put(engine, "logged", "1", 0);
  CALL(RAWKV_OK, rawkv_snapshot(engine, NULL, &error));
  CALL(RAWKV_OK, rawkv_prometheus_text(engine, &text, &error));
  rawkv_free(text);
  CALL(RAWKV_OK, rawkv_close(engine, &error));
  EXPECT(count.warnings > 0 && count.wrong == 0);
  CALL(RAWKV_OK, rawkv_open_logged(dir, "log=none", NULL, &engine, &error));
  CALL(RAWKV_OK, rawkv_close(engine, &error));
  CALL(RAWKV_INVALID_ARGUMENT, rawkv_open(dir, "log=syslog", &engine, &error));
}

static const char kDamaged[] = "this value will be damaged on its device.";

/* Flips a byte of each copy of the text on the device. Returns how many there were. */
static int damage(const char* dir) {
  char path[512];
  FILE* device;
  static char block[4096];
  long at = 0;
  int found = 0;
  snprintf(path, sizeof path, "%s/device.img", dir);
  device = fopen(path, "r+b");
  if (device == NULL) return 0;
  while (fread(block, 1, sizeof block, device) == sizeof block) {
    if (memcmp(block, kDamaged, sizeof kDamaged - 1) == 0) {
      fseek(device, at, SEEK_SET);
      fputc('T', device);
      ++found;
    }
    at += (long)sizeof block;
    fseek(device, at, SEEK_SET);
  }
  fclose(device);
  return found;
}

static void test_damaged_value(const char* dir) {
  rawkv_engine* engine = NULL;
  rawkv_iterator* it = NULL;
  rawkv_batch* batch = rawkv_batch_new();
  static char value[3000], out[8192];
  size_t size = 0, count = 0;
  char* text = NULL;
  CALL(RAWKV_OK, rawkv_open(dir, "log=none", &engine, &error));
  memset(value, '.', sizeof value);
  memcpy(value, kDamaged, sizeof kDamaged - 1);
  rawkv_batch_put(batch, "z1", 2, "first", 5, 0);
  rawkv_batch_put(batch, "z2", 2, value, sizeof value, 0);
  rawkv_batch_put(batch, "z3", 2, "last", 4, 0);
  CALL(RAWKV_OK, rawkv_commit(engine, batch, NULL, NULL, &error));
  rawkv_batch_free(batch);
  CALL(RAWKV_OK, rawkv_close(engine, &error));
  EXPECT(damage(dir) == 1);

  CALL(RAWKV_OK, rawkv_store_check_json(dir, "log=none", &text, &error));
  EXPECT(has(text, "{\"ok\":true,"));
  CALL(RAWKV_OK, rawkv_store_check_json(dir, "deep=1 log=none", &text, &error));
  EXPECT(text != NULL && strstr(text, "\"kind\":\"payload\"") != NULL);
  EXPECT(has(text, "{\"ok\":false,\"deep\":true,"));

  CALL(RAWKV_OK, rawkv_open(dir, "log=none", &engine, &error));
  CALL(RAWKV_OK, rawkv_iterator_open(engine, NULL, "z", 1, NULL, 0, &it, &error));
  rawkv_iterator_first(it);
  CALL(RAWKV_OK, rawkv_iterator_next_many(it, out, sizeof out, 0, &size, &count, &error));
  EXPECT(count == 3 && size == 3 * 26 + 5 + 4);
  EXPECT(out[0] == RAWKV_OK && out[31] == RAWKV_CORRUPTION && out[57] == RAWKV_OK);
  EXPECT(out[31 + 8] == (char)(3000 & 0xFF) && memcmp(out + 57 + 26, "last", 4) == 0);
  rawkv_iterator_close(it);
  CALL(RAWKV_OK, rawkv_close(engine, &error));
}

void test_closed_store(const char* dir) {
  char* text = NULL;
  char path[512], part[64];
  int interrupted = 1;
  uint64_t version;
  rawkv_engine* engine = NULL;
  const rawkv_version_range none = {0, 0};
  CALL(RAWKV_OK, rawkv_open(dir, NULL, &engine, &error));
  version = rawkv_version(engine);
  put(engine, "later", "1", 0);
  CALL(RAWKV_OK, rawkv_close(engine, &error));

  CALL(RAWKV_NOT_FOUND, rawkv_store_info_json("/nonexistent", NULL, &text, &error));
  CALL(RAWKV_INVALID_ARGUMENT, rawkv_store_info_json(dir, "deep=1", &text, &error));
  CALL(RAWKV_OK, rawkv_store_info_json(dir, NULL, &text, &error));
  snprintf(part, sizeof part, "\"version\":%llu,", (unsigned long long)version + 1);
  EXPECT(has(text, part));
  CALL(RAWKV_OK, rawkv_store_interrupted(dir, NULL, &interrupted, &error));
  EXPECT(interrupted == 0);
  CALL(RAWKV_OK, rawkv_store_snapshots_json(dir, NULL, &text, &error));
  EXPECT(has(text, "\"current\":true"));
  CALL(RAWKV_OK, rawkv_store_verify_snapshots_json(dir, RAWKV_TIP, NULL, &text, &error));
  EXPECT(has(text, "\"ok\":true"));
  CALL(RAWKV_OK, rawkv_store_log_json(dir, NULL, &text, &error));
  EXPECT(has(text, "{\"segment\":\""));
  CALL(RAWKV_OK, rawkv_store_verify_log_json(dir, NULL, &text, &error));
  EXPECT(has(text, "{\"ok\":true,"));

  /* A lost STORE-COPY is damage that needs no agreement to repair. */
  snprintf(path, sizeof path, "%s/STORE-COPY", dir);
  EXPECT(unlink(path) == 0);
  CALL(RAWKV_OK, rawkv_store_repair_plan_json(dir, "log=none", &text, &error));
  EXPECT(text != NULL && strstr(text, "\"needs_agreement\":false") != NULL);
  EXPECT(has(text, "\"action\":\"store\""));
  CALL(RAWKV_INVALID_ARGUMENT, rawkv_store_repair_json(dir, NULL, &none, 1, 0, &text, &error));
  CALL(RAWKV_OK, rawkv_store_repair_json(dir, "log=none", &none, sizeof none, 0, &text, &error));
  EXPECT(text != NULL && strstr(text, "{\"ok\":true,") != NULL);
  EXPECT(has(text, "\"repaired\":[{\"action\":\"store\""));
  CALL(RAWKV_OK, rawkv_store_repair_json(dir, NULL, NULL, 0, 0, &text, &error));
  EXPECT(has(text, "\"repaired\":[]"));

  CALL(RAWKV_OK, rawkv_store_rollback_plan_json(dir, version, 0, NULL, &text, &error));
  EXPECT(has(text, "\"blocked_by\":[]"));
  CALL(RAWKV_VERSION_UNREACHABLE, rawkv_store_rollback(dir, 1000000, 0, NULL, &error));
  CALL(RAWKV_OK, rawkv_store_rollback(dir, version, 0, NULL, &error));
  CALL(RAWKV_OK, rawkv_open(dir, "read_only=1", &engine, &error));
  EXPECT(rawkv_version(engine) == version && holds(engine, NULL, "later", NULL));
  CALL(RAWKV_OK, rawkv_refresh(engine, &error));
  CALL(RAWKV_OK, rawkv_prometheus_text(engine, &text, &error));
  EXPECT(has(text, "rawkv_writer_up"));
  CALL(RAWKV_OK, rawkv_close(engine, &error));
  test_damaged_value(dir);
}
