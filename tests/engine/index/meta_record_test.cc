#include "engine/index/meta_record.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/engine/index/index_samples.h"
#include "tests/support/expect_status.h"

namespace rawkv {
namespace {

MetaRecord Full() {
  MetaRecord meta;
  meta.applied = Version(42);
  meta.lineage = Lineage(0xfeedface);
  meta.commit_time_unix_ms = 1'700'000'000'000;
  meta.user_metadata = "app hash";
  meta.live_extents = 3;
  meta.live_slots = 12;
  meta.taken_slots = 20;
  meta.cursor = SlotId(33);
  meta.digest = Sha256Of(AsBytes("state"));
  meta.digest_state = std::string(2048, '\x5a');
  return meta;
}

std::unique_ptr<std::string> Reencode(const std::string& bytes) {
  const Result<MetaRecord> meta = DecodeMetaRecord(AsBytes(bytes));
  return meta.ok() ? std::make_unique<std::string>(EncodeMetaRecord(*meta)) : nullptr;
}

void ExpectRoundTrip(const MetaRecord& meta) {
  ASSERT_OK_AND_ASSIGN(const MetaRecord decoded, DecodeMetaRecord(AsBytes(EncodeMetaRecord(meta))));
  EXPECT_EQ(decoded, meta);
}

TEST(MetaRecord, RoundTrips) {
  ExpectRoundTrip(MetaRecord());
  ExpectRoundTrip(Full());
  MetaRecord without_state = Full();
  without_state.digest_state.clear();
  ExpectRoundTrip(without_state);
  MetaRecord without_digest = Full();
  without_digest.digest.reset();
  ExpectRoundTrip(without_digest);
}

TEST(MetaRecord, AbsentDigestTakesNoBytes) {
  EXPECT_EQ(EncodeMetaRecord(MetaRecord()).size(), 58u);
}

TEST(MetaRecord, DecodingIsStrict) {
  ExpectStrictDecoding(EncodeMetaRecord(MetaAt(1)), Reencode);
  MetaRecord full = Full();
  full.digest_state = "short";
  ExpectStrictDecoding(EncodeMetaRecord(full), Reencode);
}

TEST(MetaRecord, VersionsThatCouldWrapAreRefused) {
  ExpectRoundTrip(MetaAt(kMaxVersion.value()));
  const std::string above = EncodeMetaRecord(MetaAt(Next(kMaxVersion).value()));
  EXPECT_EQ(DecodeMetaRecord(AsBytes(above)).status().code(), StatusCode::kCorruption);
}

TEST(MetaRecord, NamesANewerFormat) {
  std::string bytes = EncodeMetaRecord(Full());
  bytes[0] = 2;
  EXPECT_EQ(DecodeMetaRecord(AsBytes(bytes)).status().code(), StatusCode::kNotSupported);
  bytes[0] = 0;
  EXPECT_EQ(DecodeMetaRecord(AsBytes(bytes)).status().code(), StatusCode::kCorruption);
}

}  // namespace
}  // namespace rawkv
