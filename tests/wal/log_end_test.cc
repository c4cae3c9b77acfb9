#include "wal/log_end.h"

#include <gtest/gtest.h>

namespace rawkv {
namespace {

// A log whose last good record is version 10.
LogTail Tail() {
  LogTail tail;
  tail.last = Version(10);
  tail.why = "nothing written";
  return tail;
}

FrameHeader Later(FrameKind kind, uint64_t version, uint64_t durable_through) {
  FrameHeader head;
  head.kind = kind;
  head.version = Version(version);
  head.durable_through = Version(durable_through);
  return head;
}

void ExpectCorrupt(const LogTail& tail, uint64_t from, uint64_t to) {
  const LogEndVerdict verdict = JudgeLogEnd(tail);
  EXPECT_EQ(verdict.end, LogEnd::kCorrupt);
  EXPECT_EQ(verdict.damaged_from, Version(from));
  EXPECT_EQ(verdict.damaged_to, Version(to));
  EXPECT_NE(verdict.reason.find(std::to_string(from)), std::string::npos) << verdict.reason;
  EXPECT_NE(verdict.reason.find(std::to_string(to)), std::string::npos) << verdict.reason;
}

TEST(JudgeLogEnd, OnlyZerosAreClean) {
  const LogEndVerdict verdict = JudgeLogEnd(Tail());
  EXPECT_EQ(verdict.end, LogEnd::kClean);
  EXPECT_EQ(verdict.torn_bytes, 0u);
}

TEST(JudgeLogEnd, ProvenVersionInTheLogChangesNothing) {
  LogTail tail = Tail();
  tail.proven = Version(10);
  EXPECT_EQ(JudgeLogEnd(tail).end, LogEnd::kClean);
}

TEST(JudgeLogEnd, EndBelowAProvenVersionIsCorrupt) {
  LogTail tail = Tail();
  tail.proven = Version(13);
  ExpectCorrupt(tail, 11, 13);
  tail.garbage_bytes = 100;
  ExpectCorrupt(tail, 11, 13);
}

TEST(JudgeLogEnd, BytesThatProveNothingAreTorn) {
  LogTail tail = Tail();
  tail.garbage_bytes = 100;
  const LogEndVerdict verdict = JudgeLogEnd(tail);
  EXPECT_EQ(verdict.end, LogEnd::kTorn);
  EXPECT_EQ(verdict.torn_bytes, 100u);
  EXPECT_FALSE(verdict.reason.empty());
}

TEST(JudgeLogEnd, LaterFrameWithoutAClaimIsTorn) {
  LogTail tail = Tail();
  tail.garbage_bytes = 100;
  tail.later = Later(FrameKind::kRecord, 12, 10);
  EXPECT_EQ(JudgeLogEnd(tail).end, LogEnd::kTorn);
}

TEST(JudgeLogEnd, LaterFrameWithAClaimIsCorrupt) {
  LogTail tail = Tail();
  tail.garbage_bytes = 100;
  tail.later = Later(FrameKind::kRecord, 14, 11);
  tail.later_proves_durable = true;
  ExpectCorrupt(tail, 11, 13);
}

TEST(JudgeLogEnd, WatermarkAfterDamageIncludesItsOwnVersion) {
  LogTail tail = Tail();
  tail.garbage_bytes = 100;
  tail.later = Later(FrameKind::kWatermark, 14, 14);
  tail.later_proves_durable = true;
  ExpectCorrupt(tail, 11, 14);
}

TEST(JudgeLogEnd, LaterSegmentAfterZerosIsCorrupt) {
  LogTail tail = Tail();
  tail.successor = Version(15);
  ExpectCorrupt(tail, 11, 14);
  tail.successor = Version(11);  // the chain between the two is broken
  ExpectCorrupt(tail, 11, 11);
}

TEST(JudgeLogEnd, SegmentsOfAnAbandonedBranchAreTorn) {
  LogTail tail = Tail();
  tail.dead_segments = 2;
  tail.dead_bytes = 8192;
  const LogEndVerdict verdict = JudgeLogEnd(tail);
  EXPECT_EQ(verdict.end, LogEnd::kTorn);
  EXPECT_EQ(verdict.torn_bytes, 8192u);
}

}  // namespace
}  // namespace rawkv
