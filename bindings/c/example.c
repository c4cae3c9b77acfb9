/* Keeps reads and commits of a store under way from one thread, and waits on one descriptor.
 * cc -std=c99 example.c $(pkg-config --cflags --libs rawkv) -o example && ./example /tmp/example-store */

#define _POSIX_C_SOURCE 200809L /* poll */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rawkv/rawkv.h>

static void check(int code, char* error) {
  if (code == RAWKV_OK) return;
  fprintf(stderr, "%s\n", error != NULL ? error : rawkv_code_name(code));
  rawkv_free(error);
  exit(1);
}

int main(int argc, char** argv) {
  const char* dir = argc > 1 ? argv[1] : "example-store";
  char* error = NULL;
  rawkv_engine* engine = NULL;
  rawkv_session* session = NULL;
  rawkv_batch* batch = rawkv_batch_new();
  static char image[100000];
  static char out[3][sizeof image];
  const char* keys[3] = {"greeting", "image", "missing"};
  rawkv_read reads[3];
  rawkv_completion done;
  struct pollfd wait;
  uint64_t commit_id = 0, read_id = 0;
  int left = 2, i;

  check(rawkv_format(dir, "capacity=64MiB", &error), error);
  check(rawkv_open(dir, "snapshot_interval=0", &engine, &error), error);
  check(rawkv_session_open(engine, "operations_max=1024", &session, &error), error);

  memset(image, 'x', sizeof image);
  rawkv_batch_put(batch, "greeting", 8, "hello", 5, RAWKV_IF_ABSENT);
  rawkv_batch_put(batch, "image", 5, image, sizeof image, RAWKV_IF_ABSENT | RAWKV_BORROW);
  check(rawkv_session_commit(session, batch, NULL, &commit_id, &error), error);

  /* The reads see the commit, since they were submitted after it. */
  memset(reads, 0, sizeof reads);
  for (i = 0; i < 3; ++i) {
    reads[i].key = keys[i];
    reads[i].key_size = strlen(keys[i]);
    reads[i].out = out[i];
    reads[i].out_size = sizeof out[i];
  }
  check(rawkv_session_get(session, reads, sizeof reads[0], 3, &read_id, &error), error);

  wait.fd = rawkv_session_event_fd(session);
  wait.events = POLLIN;
  while (left > 0) {
    if (poll(&wait, 1, -1) < 0) continue;
    while (rawkv_session_drain(session, &done, sizeof done, 1) == 1) {
      --left;
      if (done.code != RAWKV_OK) fprintf(stderr, "%s\n", done.error != NULL ? done.error : "failed");
      if (done.id == commit_id) printf("version %llu\n", (unsigned long long)done.version);
      for (i = 0; done.id == read_id && i < (int)done.answer_count; ++i) {
        printf("%s: %s, %llu bytes\n", keys[i], rawkv_code_name(done.answers[i].code),
               (unsigned long long)done.answers[i].size);
      }
      rawkv_free(done.memory);
    }
  }

  rawkv_session_close(session);
  rawkv_batch_free(batch);
  check(rawkv_close(engine, &error), error);
  return 0;
}
