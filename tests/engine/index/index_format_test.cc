#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

#include "engine/index/allocation_page.h"
#include "engine/index/deferred_record.h"
#include "engine/index/index_entry.h"
#include "engine/index/key_space.h"
#include "engine/index/meta_record.h"
#include "tests/engine/index/index_samples.h"
#include "tests/support/expect_status.h"

// The worked examples of docs/formats/index.md, byte for byte.
namespace rawkv {
namespace {

const DeferredFree kDeferred = Deferred(12356, 4, 40, 42);

void ExpectBytes(std::string_view encoded, std::string_view hex) {
  EXPECT_EQ(HexOf(encoded), HexOf(FromHex(hex)));
}

TEST(IndexFormat, GoldenKeys) {
  ExpectBytes(UserKey("user/7").view(), "6b 75 73 65 72 2f 37");
  ExpectBytes(PageKey(3).view(), "62 00 00 00 00 00 00 00 03");
  ExpectBytes(DeferredBySlotKey(kDeferred.extent.first).view(), "64 00 00 00 00 00 00 30 44");
  ExpectBytes(DeferredByVersionKey(kDeferred.freed, kDeferred.extent.first).view(),
              "66 00 00 00 00 00 00 00 2a 00 00 00 00 00 00 30 44");
  ExpectBytes(IndexKey(KeySpace::kMeta).view(), "6d");
  ExpectBytes(UndoKey(Version(42)).view(), "75 00 00 00 00 00 00 00 2a");
}

void ExpectEntry(const IndexEntry& entry, std::string_view hex) {
  ExpectBytes(EncodeIndexEntry(entry), hex);
  ASSERT_OK_AND_ASSIGN(const IndexEntry decoded, DecodeIndexEntry(AsBytes(FromHex(hex))));
  EXPECT_EQ(decoded, entry);
}

TEST(IndexFormat, GoldenEntries) {
  IndexEntry entry = InlineEntry(41, "hello");
  ExpectEntry(entry, "01 29 00 00 00 00 00 00  00 68 65 6c 6c 6f");

  entry.value.sha256 = Sha256Of(AsBytes("hello"));
  ExpectEntry(entry,
              "81 29 00 00 00 00 00 00  00 2c f2 4d ba 5f b0 a3"
              "0e 26 e8 3b 2a c5 b9 e2  9e 1b 16 1e 5c 1f a7 42"
              "5e 73 04 33 62 93 8b 98  24 68 65 6c 6c 6f");

  PayloadRef ref;
  ref.extents = {{SlotId(12290), SlotCount(64)}, {SlotId(12416), SlotCount(10)}};
  ref.write_id = WriteId((uint64_t{3} << 40) | 7);
  ref.length = 300'000;
  ref.chunk_checksums = {0x1122334455667788, 0x99aabbccddeeff00};
  ExpectEntry({.written_by = Version(42), .value = {.data = ref, .sha256 = {}}},
              "02 2a 00 00 00 00 00 00  00 07 00 00 00 00 03 00"
              "00 e0 93 04 00 00 00 00  00 02 00 00 00 02 30 00"
              "00 00 00 00 00 40 00 00  00 00 00 00 00 80 30 00"
              "00 00 00 00 00 0a 00 00  00 00 00 00 00 88 77 66"
              "55 44 33 22 11 00 ff ee  dd cc bb aa 99");
}

TEST(IndexFormat, GoldenAllocationPage) {
  AllocationPage page;
  page.taken[0] = page.live[0] = 0xfffffffffffffffc;  // 12290…12351
  page.taken[1] = page.live[1] = 0x03;                // 12352, 12353
  page.taken[1] |= 0xf0;                              // 12356…12359, deferred
  page.taken[2] = page.live[2] = 0x03ff;              // 12416…12425
  const std::string encoded = EncodeAllocationPage(page);
  ASSERT_EQ(encoded.size(), 1026u);
  ExpectBytes(encoded.substr(0, 0x20),
              "b2 0f fc ff ff ff ff ff  ff ff f3 00 00 00 00 00"
              "00 00 ff 03 00 00 00 00  00 00 00 00 00 00 00 00");
  EXPECT_EQ(encoded.find_first_not_of('\0', 0x20), 0x202u);
  ExpectBytes(encoded.substr(0x200, 0x20),
              "00 00 fc ff ff ff ff ff  ff ff 03 00 00 00 00 00"
              "00 00 ff 03 00 00 00 00  00 00 00 00 00 00 00 00");
  EXPECT_EQ(encoded.find_first_not_of('\0', 0x220), std::string::npos);
}

TEST(IndexFormat, GoldenDeferredFree) {
  ExpectBytes(EncodeDeferredBySlot(kDeferred),
              "04 00 00 00 00 00 00 00  28 00 00 00 00 00 00 00"
              "2a 00 00 00 00 00 00 00");
  ExpectBytes(EncodeDeferredByVersion(kDeferred), "04 00 00 00 00 00 00 00  28 00 00 00 00 00 00 00");
}

void ExpectMeta(const MetaRecord& meta, std::string_view hex) {
  ExpectBytes(EncodeMetaRecord(meta), hex);
  ASSERT_OK_AND_ASSIGN(const MetaRecord decoded, DecodeMetaRecord(AsBytes(FromHex(hex))));
  EXPECT_EQ(decoded, meta);
}

TEST(IndexFormat, GoldenMetaRecord) {
  MetaRecord meta;
  meta.applied = Version(42);
  meta.lineage = Lineage(0x1f2e3d4c5b6a7988);
  meta.commit_time_unix_ms = 1'700'000'000'000;
  meta.user_metadata = "block 42";
  meta.live_extents = 2;
  meta.live_slots = 74;
  meta.taken_slots = 78;
  meta.cursor = SlotId(12426);
  ExpectMeta(meta,
             "01 00 2a 00 00 00 00 00  00 00 88 79 6a 5b 4c 3d"
             "2e 1f 00 68 e5 cf 8b 01  00 00 02 00 00 00 00 00"
             "00 00 4a 00 00 00 00 00  00 00 4e 00 00 00 00 00"
             "00 00 8a 30 00 00 00 00  00 00 62 6c 6f 63 6b 20"
             "34 32");

  meta.digest = Sha256Of(AsBytes("state"));
  meta.digest_state = "lattice";
  ExpectMeta(meta,
             "01 03 2a 00 00 00 00 00  00 00 88 79 6a 5b 4c 3d"
             "2e 1f 00 68 e5 cf 8b 01  00 00 02 00 00 00 00 00"
             "00 00 4a 00 00 00 00 00  00 00 4e 00 00 00 00 00"
             "00 00 8a 30 00 00 00 00  00 00 4b a6 97 35 ca 53"
             "76 5e d6 a7 09 ed b5 6c  6e a2 36 b7 19 3a 3b 29"
             "a6 b3 90 c3 46 f0 f4 34  0e 4e 07 00 00 00 6c 61"
             "74 74 69 63 65 62 6c 6f  63 6b 20 34 32");
}

}  // namespace
}  // namespace rawkv
