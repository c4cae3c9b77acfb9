/* Export and import by chunk, as for state sync. */

#include <stdlib.h>
#include <string.h>

#include "tests/bindings/c_test.h"

static void fill(rawkv_engine* engine) {
  rawkv_batch* batch = rawkv_batch_new();
  static char value[1 << 20];
  char key[8];
  int i;
  for (i = 0; i < 4; ++i) {
    snprintf(key, sizeof key, "c%d", i);
    memset(value, 'a' + i, sizeof value);
    rawkv_batch_put(batch, key, 2, value, sizeof value, 0);
  }
  CALL(RAWKV_OK, rawkv_commit(engine, batch, NULL, NULL, &error));
  rawkv_batch_free(batch);
}

/* Reads the chunk into new memory. */
static char* read_chunk(rawkv_chunk_reader* reader, uint64_t number, size_t room, size_t* size) {
  char* const out = malloc(room);
  CALL(RAWKV_OK, rawkv_chunk_read(reader, number, out, room, size, &error));
  return out;
}

void test_chunks(rawkv_engine* engine, const char* dir) {
  char sent[512], got[512], copy[512];
  rawkv_chunk_reader* reader = NULL;
  rawkv_chunk_receiver* receiver = NULL;
  rawkv_export_summary summary;
  rawkv_engine* imported = NULL;
  uint64_t i, missing[16];
  size_t size = 0;
  char small[16], *chunk;
  snprintf(sent, sizeof sent, "%s-sent", dir);
  snprintf(got, sizeof got, "%s-got", dir);
  snprintf(copy, sizeof copy, "%s-copy", dir);
  fill(engine);
  CALL(RAWKV_FAILED_PRECONDITION, rawkv_chunk_reader_open(sent, &reader, &error));
  EXPECT(reader == NULL);
  CALL(RAWKV_INVALID_ARGUMENT, rawkv_export_with(engine, RAWKV_TIP, sent, "chunk_bytes=1", &error));
  CALL(RAWKV_OK, rawkv_export_with(engine, RAWKV_TIP, sent, "chunk_bytes=1MiB", &error));
  CALL(RAWKV_OK, rawkv_chunk_reader_open(sent, &reader, &error));
  if (reader == NULL) return;
  memset(&summary, 0, sizeof summary);
  CALL(RAWKV_INVALID_ARGUMENT, rawkv_chunk_reader_summary(reader, &summary, &error));
  summary.struct_size = sizeof summary;
  CALL(RAWKV_OK, rawkv_chunk_reader_summary(reader, &summary, &error));
  EXPECT(summary.version == rawkv_version(engine) && summary.chunk_count >= 5 && summary.chunk_count <= 16);
  EXPECT(summary.chunk_bytes_max == 1 << 20 && summary.bytes > 4 << 20);
  CALL(RAWKV_INVALID_ARGUMENT, rawkv_chunk_read(reader, 1, small, sizeof small, &size, &error));
  CALL(RAWKV_INVALID_ARGUMENT, rawkv_chunk_read(reader, summary.chunk_count, small, sizeof small, &size, &error));

  CALL(RAWKV_INVALID_ARGUMENT, rawkv_chunk_receiver_open(got, summary.hash, 31, &receiver, &error));
  CALL(RAWKV_OK, rawkv_chunk_receiver_open(got, summary.hash, sizeof summary.hash, &receiver, &error));
  if (receiver == NULL) return;
  EXPECT(rawkv_chunk_receiver_missing(receiver, missing, 16) == 1 && missing[0] == 0);
  chunk = read_chunk(reader, 1, summary.chunk_bytes_max, &size);
  CALL(RAWKV_FAILED_PRECONDITION, rawkv_chunk_add(receiver, 1, chunk, size, &error));
  CALL(RAWKV_CORRUPTION, rawkv_chunk_add(receiver, 0, chunk, size, &error));
  free(chunk);
  chunk = read_chunk(reader, 0, summary.chunk_bytes_max, &size);
  CALL(RAWKV_OK, rawkv_chunk_add(receiver, 0, chunk, size, &error));
  free(chunk);
  for (i = summary.chunk_count - 1; i > 0; --i) { /* the last one first */
    EXPECT(rawkv_chunk_receiver_missing(receiver, missing, 16) == i && missing[0] == 1);
    EXPECT(rawkv_chunk_receiver_complete(receiver) == 0);
    chunk = read_chunk(reader, i, summary.chunk_bytes_max, &size);
    chunk[size / 2] ^= 1;
    {
      char *error = NULL, name[32];
      EXPECT(rawkv_chunk_add(receiver, i, chunk, size, &error) == RAWKV_CORRUPTION);
      snprintf(name, sizeof name, "chunk %u", (unsigned)i);
      EXPECT(has(error, name));
    }
    chunk[size / 2] ^= 1;
    if (i == 2) { /* a receiver that comes back continues */
      rawkv_chunk_receiver_close(receiver);
      CALL(RAWKV_FAILED_PRECONDITION, rawkv_import(got, copy, NULL, &error));
      CALL(RAWKV_OK, rawkv_chunk_receiver_open(got, summary.hash, sizeof summary.hash, &receiver, &error));
      EXPECT(rawkv_chunk_receiver_missing(receiver, missing, 16) == 2);
    }
    CALL(RAWKV_OK, rawkv_chunk_add(receiver, i, chunk, size, &error));
    CALL(RAWKV_OK, rawkv_chunk_add(receiver, i, chunk, size, &error)); /* again */
    free(chunk);
  }
  CALL(RAWKV_INVALID_ARGUMENT, rawkv_chunk_add(receiver, summary.chunk_count, small, 1, &error));
  EXPECT(rawkv_chunk_receiver_complete(receiver) == 1);
  EXPECT(rawkv_chunk_receiver_missing(receiver, missing, 16) == 0);
  rawkv_chunk_receiver_close(receiver);
  rawkv_chunk_reader_close(reader);

  CALL(RAWKV_OK, rawkv_import(got, copy, "capacity=32MiB slot_bytes=16KiB log=none", &error));
  CALL(RAWKV_OK, rawkv_open(copy, NULL, &imported, &error));
  EXPECT(imported != NULL && rawkv_version(imported) == rawkv_version(engine));
  {
    char part[3];
    CALL(RAWKV_OK, rawkv_get_range(imported, NULL, "c3", 2, (1 << 20) - 2, part, 3, &size, &error));
    EXPECT(size == 2 && memcmp(part, "dd", 2) == 0);
  }
  CALL(RAWKV_OK, rawkv_close(imported, &error));
}
