#include "engine/index/index_entry.h"
#include "base/limits.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/byte_codec.h"
#include "tests/engine/index/index_samples.h"
#include "tests/support/expect_status.h"

namespace rawkv {
namespace {

std::unique_ptr<std::string> Reencode(const std::string& bytes) {
  const Result<IndexEntry> entry = DecodeIndexEntry(AsBytes(bytes));
  if (entry.ok()) return std::make_unique<std::string>(EncodeIndexEntry(*entry));
  EXPECT_EQ(entry.status().code(), StatusCode::kCorruption);
  return nullptr;
}

void ExpectRoundTrip(const IndexEntry& entry) {
  ASSERT_OK_AND_ASSIGN(const IndexEntry decoded, DecodeIndexEntry(AsBytes(EncodeIndexEntry(entry))));
  EXPECT_EQ(decoded, entry);
}

IndexEntry WithSha256(IndexEntry entry) {
  entry.value.sha256 = Sha256Of(AsBytes("anything"));
  return entry;
}

IndexEntry ManyExtents(size_t extents) {
  IndexEntry entry = PayloadEntry(9, 0, 3 * kPayloadChunkBytes + 1);
  PayloadRef& ref = std::get<PayloadRef>(entry.value.data);
  ref.extents.clear();
  for (size_t i = 0; i < extents; ++i) ref.extents.push_back({SlotId(1000 - 10 * i), SlotCount(3 + i)});
  return entry;
}

bool IsRefused(const std::string& bytes) {
  const Result<IndexEntry> entry = DecodeIndexEntry(AsBytes(bytes));
  return !entry.ok() && entry.status().code() == StatusCode::kCorruption;
}

// Encodes a payload entry with these numbers. `rest` holds the extents and checksums, whose number need not
// match `extents`.
std::string RawPayload(uint64_t length, uint32_t extents, const std::vector<uint64_t>& rest) {
  ByteWriter out;
  out.U8(0x02);
  out.U64(1);
  out.U64(77);
  out.U64(length);
  out.U32(extents);
  for (const uint64_t number : rest) out.U64(number);
  return out.Take();
}

TEST(IndexEntry, RoundTrips) {
  ExpectRoundTrip(InlineEntry(1, ""));
  ExpectRoundTrip(InlineEntry(UINT64_MAX, std::string("\0\xff value", 8)));
  ExpectRoundTrip(InlineEntry(5, std::string(100'000, 'x')));
  ExpectRoundTrip(WithSha256(InlineEntry(5, "value")));
  ExpectRoundTrip(PayloadEntry(3, 17, 1));
  ExpectRoundTrip(PayloadEntry(3, 17, kPayloadChunkBytes));
  ExpectRoundTrip(PayloadEntry(3, 17, kPayloadChunkBytes + 1));
  ExpectRoundTrip(PayloadEntry(3, 17, kMaxValueBytes));
  ExpectRoundTrip(WithSha256(ManyExtents(64)));
}

TEST(IndexEntry, DecodingIsStrict) {
  ExpectStrictDecoding(EncodeIndexEntry(InlineEntry(5, "value")), Reencode);
  ExpectStrictDecoding(EncodeIndexEntry(WithSha256(InlineEntry(5, "value"))), Reencode);
  ExpectStrictDecoding(EncodeIndexEntry(PayloadEntry(5, 9, 3 * kPayloadChunkBytes)), Reencode);
  ExpectStrictDecoding(EncodeIndexEntry(WithSha256(ManyExtents(3))), Reencode);
}

TEST(IndexEntry, AcceptsOneExtentAndItsChecksum) {
  EXPECT_FALSE(IsRefused(RawPayload(1, 1, {5, 1, 99})));
}

TEST(IndexEntry, RefusesImpossibleValues) {
  EXPECT_TRUE(IsRefused(RawPayload(0, 1, {5, 1})));                       // no bytes
  EXPECT_TRUE(IsRefused(RawPayload(1, 0, {99})));                         // no extent
  EXPECT_TRUE(IsRefused(RawPayload(1, 1, {5, 0, 99})));                   // an empty extent
  EXPECT_TRUE(IsRefused(RawPayload(1, 1, {UINT64_MAX, 1, 99})));          // overflows
  EXPECT_TRUE(IsRefused(RawPayload(1, 1, {5, 1})));                       // a checksum too few
  EXPECT_TRUE(IsRefused(RawPayload(1, 1, {5, 1, 99, 99})));               // a checksum too many
  EXPECT_TRUE(IsRefused(RawPayload(kMaxValueBytes + 1, 1, {5, 1, 99})));  // too long
  EXPECT_TRUE(IsRefused(std::string(9, '\0')));                           // kind 0
}

TEST(IndexEntry, CountsAreCheckedBeforeAllocation) {
  EXPECT_TRUE(IsRefused(RawPayload(1, UINT32_MAX, {5, 1, 99})));
  EXPECT_TRUE(IsRefused(RawPayload(UINT64_MAX, 1, {5, 1, 99})));
}

}  // namespace
}  // namespace rawkv
