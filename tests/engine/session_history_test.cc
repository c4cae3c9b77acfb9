// SessionHistory reports each kind of contradiction.

#include "tests/engine/session_history.h"

#include <gtest/gtest.h>

namespace rawkv {
namespace {

using Record = SessionOpRecord;
using Change = SessionOpRecord::Change;

struct Span {
  uint64_t submitted = 0, completed = 0;
};

Record Put(uint32_t session, uint64_t id, Span span, uint64_t version, Change change) {
  return {.session = session,
          .id = id,
          .op = SessionOp::kCommit,
          .submitted = span.submitted,
          .completed = span.completed,
          .changes = {change},
          .outcome = CommitOutcome::kApplied,
          .version = version};
}

Record Get(uint32_t session, uint64_t id, Span span, uint64_t value) {
  return {.session = session,
          .id = id,
          .submitted = span.submitted,
          .completed = span.completed,
          .keys = {1},
          .found = {value}};
}

std::string Check(std::vector<Record> records) {
  return SessionHistory({{1, 7}}, 10).Check(std::move(records));
}

const Change kEight{.key = 1, .value = 8};

TEST(SessionHistory, OverlappingOperationsMayTakeEffectInEitherOrder) {
  EXPECT_EQ(Check({Put(0, 1, {1, 4}, 11, kEight), Get(1, 1, {2, 3}, 7)}), "");
  EXPECT_EQ(Check({Put(0, 1, {1, 4}, 11, kEight), Get(1, 1, {2, 3}, 8)}), "");
}

TEST(SessionHistory, ReadOfAnOldValueIsFound) {
  EXPECT_NE(Check({Put(0, 1, {1, 2}, 11, kEight), Get(1, 1, {3, 4}, 7)}), "");
}

TEST(SessionHistory, ReadOfALaterValueIsFound) {
  EXPECT_NE(Check({Get(1, 1, {1, 2}, 8), Put(0, 1, {3, 4}, 11, kEight)}), "");
}

TEST(SessionHistory, ReadsThatGoBackAreFound) {
  EXPECT_NE(Check({Put(0, 1, {1, 9}, 11, kEight), Get(1, 1, {2, 3}, 8), Get(1, 2, {4, 5}, 7)}), "");
}

TEST(SessionHistory, OrderOfASessionCountsThoughOperationsOverlap) {
  EXPECT_NE(Check({Put(0, 1, {1, 4}, 11, kEight), Get(0, 2, {2, 3}, 7)}), "");
  EXPECT_NE(Check({Get(0, 1, {1, 4}, 8), Put(0, 2, {2, 3}, 11, kEight)}), "");
  EXPECT_NE(Check({Put(0, 1, {1, 4}, 12, kEight), Put(0, 2, {2, 5}, 11, {.key = 1, .value = 9})}), "");
}

TEST(SessionHistory, CommitsOutOfOrderAreFound) {
  EXPECT_NE(Check({Put(0, 1, {1, 2}, 12, kEight), Put(1, 1, {3, 4}, 11, {.key = 2, .value = 9})}), "");
  EXPECT_NE(Check({Put(0, 1, {1, 2}, 12, kEight)}), "") << "version 11 is missing";
}

TEST(SessionHistory, WrongVerdictIsFound) {
  Record put = Put(0, 1, {1, 2}, 11, {.kind = Change::Kind::kPutIfAbsent, .key = 1, .value = 8});
  EXPECT_NE(Check({put}), "");
  put.existed = {0};
  EXPECT_EQ(Check({put, Get(0, 2, {3, 4}, 7)}), "");
}

TEST(SessionHistory, OperationWithoutCompletionIsFound) {
  EXPECT_NE(Check({Get(0, 1, {1, 0}, 7)}), "");
}

}  // namespace
}  // namespace rawkv
