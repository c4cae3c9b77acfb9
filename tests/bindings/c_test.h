#pragma once

/* What the files of the C test share. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "bindings/c/rawkv_c.h"

#ifdef __cplusplus
extern "C" {
#endif

extern int failures;

#define EXPECT(condition)                                                       \
  do {                                                                          \
    if (!(condition)) {                                                         \
      fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
      ++failures;                                                               \
    }                                                                           \
  } while (0)

/* Expects a code, and a text if and only if it is an error. Frees the text. */
void expect_code(const char* file, int line, int code, int expected, char* error);
#define CALL(expected, call)                                \
  do {                                                      \
    char* error = NULL;                                     \
    const int code = (call);                                \
    expect_code(__FILE__, __LINE__, code, expected, error); \
  } while (0)

/* Commits one value. */
void put(rawkv_engine* engine, const char* key, const char* value, uint32_t flags);
/* Whether the key has this short value; null: whether it is absent. */
int holds(rawkv_engine* engine, const rawkv_view* view, const char* key, const char* value);
/* Whether `text` is not null and contains `part`. Frees the text. */
int has(char* text, const char* part);

/* c_walks.c */
void test_next_many(rawkv_engine* engine);
/* c_upkeep.c */
void test_documents(rawkv_engine* engine);
void test_upkeep(rawkv_engine* engine);
void test_log_sink(const char* dir);
void test_closed_store(const char* dir);
/* c_chunks.c */
void test_chunks(rawkv_engine* engine, const char* dir);

#ifdef __cplusplus
} /* extern "C" */
#endif
