/* rawkv_iterator_next_many, and the other calls of iterators. */

#include <stdlib.h>
#include <string.h>

#include "tests/bindings/c_test.h"

typedef struct entry {
  uint32_t code, key_size;
  uint64_t value_size, written_by;
  const unsigned char *key, *value;
} entry;

static uint64_t number(const unsigned char* at, int bytes) {
  uint64_t value = 0;
  while (bytes-- > 0) value = value << 8 | at[bytes];
  return value;
}

/* Reads one entry as rawkv_c.h documents it, and returns where the next one begins. */
static const unsigned char* take(const unsigned char* at, uint32_t flags, entry* out) {
  out->code = (uint32_t)number(at, 4);
  out->key_size = (uint32_t)number(at + 4, 4);
  out->value_size = number(at + 8, 8);
  out->written_by = number(at + 16, 8);
  out->key = at + 24;
  out->value = out->key + out->key_size;
  return out->value + ((flags & RAWKV_KEYS_ONLY) == 0 && out->code == RAWKV_OK ? out->value_size : 0);
}

enum { kKeys = 50 };

/* Keys "m00" to "m49"; every value has its own length, so that some are inline and some are payloads. */
static size_t value_length(int i) {
  return (size_t)i * 37;
}

static void fill(rawkv_engine* engine) {
  rawkv_batch* batch = rawkv_batch_new();
  char key[16], value[kKeys * 37];
  int i;
  for (i = 0; i < kKeys; ++i) {
    snprintf(key, sizeof key, "m%02d", i);
    memset(value, 'A' + i % 26, sizeof value);
    rawkv_batch_put(batch, key, 3, value, value_length(i), 0);
  }
  CALL(RAWKV_OK, rawkv_commit(engine, batch, NULL, NULL, &error));
  rawkv_batch_free(batch);
}

/* Walks everything with `room` bytes a call, and returns the number of entries. */
static int walk(rawkv_iterator* it, size_t room, uint32_t flags, uint64_t version) {
  unsigned char* const out = malloc(room);
  size_t size = 0, count = 0;
  int seen = 0;
  (flags & RAWKV_BACKWARDS) != 0 ? rawkv_iterator_last(it) : rawkv_iterator_first(it);
  for (;;) {
    const unsigned char* at = out;
    size_t i;
    CALL(RAWKV_OK, rawkv_iterator_next_many(it, out, room, flags, &size, &count, &error));
    if (count == 0 || failures != 0) break;
    EXPECT(size <= room);
    for (i = 0; i < count; ++i, ++seen) {
      const int index = (flags & RAWKV_BACKWARDS) != 0 ? kKeys - 1 - seen : seen;
      char key[16];
      entry e;
      at = take(at, flags, &e);
      snprintf(key, sizeof key, "m%02d", index);
      EXPECT(e.code == RAWKV_OK && e.key_size == 3 && memcmp(e.key, key, 3) == 0);
      EXPECT(e.value_size == value_length(index) && e.written_by == version);
      if ((flags & RAWKV_KEYS_ONLY) == 0 && e.value_size != 0) {
        EXPECT(e.value[0] == 'A' + index % 26 && e.value[e.value_size - 1] == 'A' + index % 26);
      }
    }
    EXPECT(at == out + size);
  }
  EXPECT(size == 0);
  free(out);
  return seen;
}

void test_next_many(rawkv_engine* engine) {
  rawkv_iterator* it = NULL;
  unsigned char out[64];
  size_t size = 0, count = 0;
  uint64_t version;
  fill(engine);
  version = rawkv_version(engine);
  CALL(RAWKV_OK, rawkv_iterator_open(engine, NULL, "m", 1, "n", 1, &it, &error));
  CALL(RAWKV_OK, rawkv_iterator_next_many(it, out, sizeof out, 0, &size, &count, &error));
  EXPECT(size == 0 && count == 0); /* it has no position yet */
  EXPECT(rawkv_iterator_value_size(it) == 0 && rawkv_iterator_written_by(it) == 0);
  EXPECT(walk(it, 4096, 0, version) == kKeys);
  EXPECT(walk(it, 4096, RAWKV_BACKWARDS, version) == kKeys);
  EXPECT(walk(it, 27, RAWKV_KEYS_ONLY, version) == kKeys); /* one entry a call */
  EXPECT(walk(it, 1 << 20, RAWKV_KEYS_ONLY | RAWKV_BACKWARDS, version) == kKeys);

  /* An entry that does not fit: the size that it needs, and the iterator stays. */
  rawkv_iterator_seek(it, "m10", 3);
  CALL(RAWKV_INVALID_ARGUMENT, rawkv_iterator_next_many(it, out, sizeof out, 0, &size, &count, &error));
  EXPECT(size == 24 + 3 + 370 && count == 0);
  EXPECT(rawkv_iterator_value_size(it) == 370 && rawkv_iterator_written_by(it) == version);
  CALL(RAWKV_INVALID_ARGUMENT, rawkv_iterator_next_many(it, NULL, 0, RAWKV_KEYS_ONLY, &size, &count, &error));
  EXPECT(size == 27);
  CALL(RAWKV_OK, rawkv_iterator_next_many(it, out, sizeof out, RAWKV_KEYS_ONLY, &size, &count, &error));
  EXPECT(count == 2 && size == 54 && memcmp(out + 27 + 24, "m11", 3) == 0);
  EXPECT(memcmp(rawkv_iterator_key(it, &size), "m12", 3) == 0);
  CALL(RAWKV_INVALID_ARGUMENT, rawkv_iterator_next_many(it, out, sizeof out, 64, &size, &count, &error));
  rawkv_iterator_close(it);
  {
    char part[4];
    CALL(RAWKV_OK, rawkv_get_range(engine, NULL, "m49", 3, 1800, part, 4, &size, &error));
    EXPECT(size == 4 && memcmp(part, "XXXX", 4) == 0);
    CALL(RAWKV_OK, rawkv_get_range(engine, NULL, "m49", 3, 1811, part, 4, &size, &error));
    EXPECT(size == 2);
    CALL(RAWKV_NOT_FOUND, rawkv_get_range(engine, NULL, "none", 4, 0, part, 4, &size, &error));
  }
}
