#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "base/byte_codec.h"
#include "base/limits.h"
#include "base/sealed_file.h"
#include "snapshot/export_format.h"
#include "tests/support/damage.h"

namespace rawkv {
namespace {

constexpr uint64_t kChunkBytes = 128 << 10;

ExportChunk Chunk(int index, uint64_t bytes, std::string first, std::string last) {
  return {.name = "chunk-0000000" + std::to_string(index),
          .bytes = bytes,
          .sha256 = Sha256Of(AsBytes(first)),
          .first_key = std::move(first),
          .last_key = std::move(last)};
}

ExportManifest Example() {
  ExportManifest manifest;
  manifest.chunk_bytes = kChunkBytes;
  manifest.version = Version(42);
  manifest.key_count = 3;
  manifest.value_bytes = 131200;
  // "big" continues in the second chunk, so the first one is full.
  manifest.chunks = {Chunk(0, kChunkBytes, "apple", "big"), Chunk(1, 345, "big", "cherry")};
  return manifest;
}

StatusCode Decoded(const std::function<void(ExportManifest&)>& change) {
  ExportManifest manifest = Example();
  change(manifest);
  return DecodeExportManifest(EncodeExportManifest(manifest)).status().code();
}

std::string SealPayload(std::string_view payload, uint32_t format = kExportFormat) {
  return Seal({.magic = "RKVEXPRT", .format = format, .name = "export manifest"}, payload);
}

// The worked examples of docs/formats/export.md.
TEST(ExportManifest, GoldenBytes) {
  EXPECT_EQ(ToHex(AsBytes(EncodeExportManifest(Example()))),
            "524b564558505254"                                                  // magic
            "01000000"                                                          // format
            "e9000000"                                                          // payload length
            "7e8fd32dd81f527a"                                                  // checksum
            "00000000"                                                          // flags
            "00000000"                                                          // optional fields
            "0000020000000000"                                                  // chunk_bytes
            "2a00000000000000"                                                  // version
            "0000000000000000"                                                  // base
            "0000000000000000000000000000000000000000000000000000000000000000"  // digest
            "0300000000000000"                                                  // key_count
            "8000020000000000"                                                  // value_bytes
            "02000000"                                                          // chunks
            "0e0000006368756e6b2d3030303030303030"                              // name
            "0000020000000000"                                                  // bytes
            "3a7bd3e2360a3d29eea436fcfb7e44c735d117c42d1c1835420b6b9942dd4f1b"  // SHA-256
            "050000006170706c65"                                                // first key
            "03000000626967"                                                    // last key
            "0e0000006368756e6b2d3030303030303031"
            "5901000000000000"
            "2a21fe6d592a19b7de898b50eb53c429608de1a66f3e9f62da19714a770553d1"
            "03000000626967"
            "06000000636865727279");
}

TEST(ExportOrigin, GoldenBytes) {
  const ExportOrigin origin{.store_uuid = *Uuid::Parse("00112233-4455-4677-8899-aabbccddeeff"),
                            .lineage = Lineage(0x1122334455667788),
                            .created_unix_ms = 1'700'000'000'000};
  EXPECT_EQ(ToHex(AsBytes(EncodeExportOrigin(origin))),
            "524b564f5249474e"                  // magic
            "01000000"                          // format
            "24000000"                          // payload length
            "83ca5e3a77f483cf"                  // checksum
            "00000000"                          // flags
            "00112233445546778899aabbccddeeff"  // store_uuid
            "8877665544332211"                  // lineage
            "0068e5cf8b010000");                // created_unix_ms
  EXPECT_EQ(*DecodeExportOrigin(EncodeExportOrigin(origin)), origin) << "as older versions of rawkv write it";
}

TEST(ExportOrigin, GoldenBytesWithTheCommit) {
  const ExportOrigin origin{
      .store_uuid = *Uuid::Parse("00112233-4455-4677-8899-aabbccddeeff"),
      .lineage = Lineage(0x1122334455667788),
      .created_unix_ms = 1'700'000'000'000,
      .commit =
          ExportedCommit{.version = Version(42), .time_unix_ms = 1'699'999'999'000, .metadata = "block 42"}};
  EXPECT_EQ(ToHex(AsBytes(EncodeExportOrigin(origin))),
            "524b564f5249474e"                  // magic
            "01000000"                          // format
            "40000000"                          // payload length
            "4f25e444cfd7da46"                  // checksum
            "01000000"                          // flags: with the commit
            "00112233445546778899aabbccddeeff"  // store_uuid
            "8877665544332211"                  // lineage
            "0068e5cf8b010000"                  // created_unix_ms
            "2a00000000000000"                  // version
            "1864e5cf8b010000"                  // time_unix_ms
            "08000000626c6f636b203432");        // metadata
  EXPECT_EQ(*DecodeExportOrigin(EncodeExportOrigin(origin)), origin);
}

TEST(ExportProgress, GoldenBytes) {
  const ExportIdentity identity{.store_uuid = *Uuid::Parse("00112233-4455-4677-8899-aabbccddeeff"),
                                .lineage = Lineage(0x1122334455667788),
                                .version = Version(42),
                                .chunk_bytes = kChunkBytes};
  EXPECT_EQ(ToHex(AsBytes(EncodeExportIdentity(identity))),
            "524b565850494e47"                  // magic
            "01000000"                          // format
            "2c000000"                          // payload length
            "0b26480f0457e593"                  // checksum
            "00000000"                          // flags
            "00112233445546778899aabbccddeeff"  // store_uuid
            "8877665544332211"                  // lineage
            "2a00000000000000"                  // version
            "0000020000000000");                // chunk_bytes
  EXPECT_EQ(ToHex(AsBytes(EncodeExportRow(Example().chunks[0]))),
            "524b565850524f57"                                                  // magic
            "01000000"                                                          // format
            "4a000000"                                                          // payload length
            "89a029aba19d25cf"                                                  // checksum
            "0e0000006368756e6b2d3030303030303030"                              // name
            "0000020000000000"                                                  // bytes
            "3a7bd3e2360a3d29eea436fcfb7e44c735d117c42d1c1835420b6b9942dd4f1b"  // SHA-256
            "050000006170706c65"                                                // first key
            "03000000626967");                                                  // last key
}

TEST(ExportProgress, EndsAtTheFirstDamage) {
  const ExportIdentity identity{.version = Version(42), .chunk_bytes = kChunkBytes};
  const std::vector<ExportChunk> chunks = Example().chunks;
  const std::string head = EncodeExportIdentity(identity);
  const std::string first = EncodeExportRow(chunks[0]), second = EncodeExportRow(chunks[1]);
  const std::string file = head + first + second;
  EXPECT_EQ(DecodeExportProgress(file), (ExportProgress{identity, chunks}));
  for (size_t size = 0; size < file.size(); ++size) {
    const std::optional<ExportProgress> found = DecodeExportProgress(std::string_view(file).substr(0, size));
    ASSERT_EQ(found.has_value(), size >= head.size());
    if (found) ASSERT_EQ(found->chunks.size(), size < head.size() + first.size() ? 0u : 1u);
  }
  for (size_t i = 0; i < file.size(); ++i) {
    std::string bad = file;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    const std::optional<ExportProgress> found = DecodeExportProgress(bad);
    ASSERT_EQ(found.has_value(), i >= head.size()) << i;
    if (found) ASSERT_EQ(found->chunks.size(), i < head.size() + first.size() ? 0u : 1u) << i;
  }
  EXPECT_TRUE(DecodeExportProgress(head + second)->chunks.empty()) << "the first chunk has number 0";
}

TEST(ExportManifest, RoundTrips) {
  ExportManifest manifest = Example();
  EXPECT_EQ(*DecodeExportManifest(EncodeExportManifest(manifest)), manifest);
  manifest.base = Version(0);
  manifest.digest = Sha256Of(AsBytes("state"));
  EXPECT_EQ(*DecodeExportManifest(EncodeExportManifest(manifest)), manifest);
  EXPECT_EQ(*DecodeExportManifest(EncodeExportManifest(ExportManifest())), ExportManifest());
}

TEST(ExportManifest, AnyDamageIsCorruption) {
  ExpectAllDamageIsCorruption(EncodeExportManifest(Example()), [](const std::string& file) {
    return DecodeExportManifest(file).status().code();
  });
}

TEST(ExportOrigin, AnyDamageIsCorruption) {
  for (const ExportOrigin& origin :
       {ExportOrigin(), ExportOrigin{.commit = ExportedCommit{.metadata = "m"}}}) {
    ExpectAllDamageIsCorruption(EncodeExportOrigin(origin), [](const std::string& file) {
      return DecodeExportOrigin(file).status().code();
    });
  }
}

TEST(ExportOrigin, UnknownFlagsAreNotSupported) {
  const std::string flags = Seal({.magic = "RKVORIGN", .format = 1, .name = "ORIGIN"},
                                 std::string(1, '\2') + std::string(35, '\0'));
  EXPECT_EQ(DecodeExportOrigin(flags).status().code(), StatusCode::kNotSupported);
}

TEST(ExportOrigin, MetadataHasTheBoundOfACommit) {
  ExportOrigin origin{.commit = ExportedCommit{.metadata = std::string(kMaxUserMetadataBytes, 'm')}};
  EXPECT_EQ(*DecodeExportOrigin(EncodeExportOrigin(origin)), origin);
  EXPECT_LE(EncodeExportOrigin(origin).size(), kMaxExportOriginBytes);
  origin.commit->metadata += 'm';
  EXPECT_EQ(DecodeExportOrigin(EncodeExportOrigin(origin)).status().code(), StatusCode::kCorruption);
}

// The tests below use forged files with a correct checksum.
TEST(ExportManifest, ChunkNamesMustBeInSequence) {
  for (const char* name :
       {"chunk-00000001", "chunk-0", "chunk-000000000", "../../etc/passwd", "", "Chunk-00000000"}) {
    EXPECT_EQ(Decoded([&](ExportManifest& m) { m.chunks[0].name = name; }), StatusCode::kCorruption) << name;
  }
  EXPECT_EQ(Decoded([](ExportManifest& m) { std::swap(m.chunks[0], m.chunks[1]); }), StatusCode::kCorruption);
}

TEST(ExportManifest, KeysAscendAndRepeatOnlyWhereAValueContinues) {
  EXPECT_EQ(Decoded([](ExportManifest& m) { m.chunks[1].first_key = "bi"; }), StatusCode::kCorruption);
  EXPECT_EQ(Decoded([](ExportManifest& m) { m.chunks[0].first_key = "bigger"; }), StatusCode::kCorruption);
  EXPECT_EQ(Decoded([](ExportManifest& m) { m.chunks[0].bytes -= 1; }), StatusCode::kCorruption);
  EXPECT_EQ(Decoded([](ExportManifest& m) {
              m.chunks[0].bytes -= 1;
              m.chunks[1].first_key = "bigger";
            }),
            StatusCode::kOk);
}

TEST(ExportManifest, KeysHaveABoundedLength) {
  EXPECT_EQ(Decoded([](ExportManifest& m) { m.chunks[0].first_key = ""; }), StatusCode::kCorruption);
  EXPECT_EQ(Decoded([](ExportManifest& m) { m.chunks[1].last_key = ""; }), StatusCode::kCorruption);
  EXPECT_EQ(Decoded([](ExportManifest& m) { m.chunks[1].last_key.assign(65536, 'x'); }), StatusCode::kOk);
  EXPECT_EQ(Decoded([](ExportManifest& m) { m.chunks[1].last_key.assign(65537, 'x'); }),
            StatusCode::kCorruption);
}

TEST(ExportManifest, SizesMustBeWithinBounds) {
  for (const uint64_t bytes : {uint64_t{0}, kMinChunkBytes - 1, kMaxChunkBytes + 1, ~uint64_t{0}}) {
    EXPECT_EQ(Decoded([&](ExportManifest& m) { m.chunk_bytes = bytes; }), StatusCode::kCorruption) << bytes;
  }
  for (const uint64_t bytes : {uint64_t{0}, uint64_t{40}, kChunkBytes + 1, ~uint64_t{0}}) {
    EXPECT_EQ(Decoded([&](ExportManifest& m) { m.chunks[1].bytes = bytes; }), StatusCode::kCorruption)
        << bytes;
  }
}

TEST(ExportManifest, BaseAboveTheVersionAndCountsWithoutChunksAreRefused) {
  EXPECT_EQ(Decoded([](ExportManifest& m) { m.base = Version(43); }), StatusCode::kCorruption);
  EXPECT_EQ(Decoded([](ExportManifest& m) { m.base = Version(41); }), StatusCode::kOk);
  EXPECT_EQ(Decoded([](ExportManifest& m) { m.chunks.clear(); }), StatusCode::kCorruption);
}

TEST(ExportManifest, VersionsThatCouldWrapAreRefused) {
  EXPECT_EQ(Decoded([](ExportManifest& m) { m.version = kMaxVersion; }), StatusCode::kOk);
  EXPECT_EQ(Decoded([](ExportManifest& m) { m.version = Next(kMaxVersion); }), StatusCode::kCorruption);
}

TEST(ExportManifest, ForgedPayloadsAreRefused) {
  const std::string payload = EncodeExportManifest(Example()).substr(kSealedHeaderBytes);
  const auto with = [&](size_t offset, char value) {
    std::string changed = payload;
    changed[offset] = value;
    return DecodeExportManifest(SealPayload(changed)).status().code();
  };
  EXPECT_EQ(with(0, 0), StatusCode::kOk);
  EXPECT_EQ(with(0, 1), StatusCode::kNotSupported);      // flags
  EXPECT_EQ(with(4, 4), StatusCode::kNotSupported);      // an unknown optional field
  EXPECT_EQ(with(24, 1), StatusCode::kCorruption);       // a base whose flag is not set
  EXPECT_EQ(with(32, 1), StatusCode::kCorruption);       // a digest whose flag is not set
  EXPECT_EQ(with(80, 1), StatusCode::kCorruption);       // fewer chunks than follow
  EXPECT_EQ(with(83, '\x7f'), StatusCode::kCorruption);  // two thousand million chunks
  EXPECT_EQ(DecodeExportManifest(SealPayload(payload + "x")).status().code(), StatusCode::kCorruption);
  EXPECT_EQ(DecodeExportManifest(SealPayload("")).status().code(), StatusCode::kCorruption);
  EXPECT_EQ(DecodeExportManifest(SealPayload(payload, kExportFormat + 1)).status().code(),
            StatusCode::kNotSupported);
}

TEST(ExportManifest, RandomPayloadsWithAGoodChecksumNeverCrash) {
  std::mt19937_64 random(1);
  const std::string good = EncodeExportManifest(Example()).substr(kSealedHeaderBytes);
  for (int round = 0; round < 20000; ++round) {
    std::string payload = good;
    for (uint64_t changes = random() % 3 + 1; changes > 0; --changes) {
      payload[random() % payload.size()] = static_cast<char>(random());
    }
    payload.resize(random() % 4 == 0 ? random() % payload.size() : payload.size());
    const Result<ExportManifest> manifest = DecodeExportManifest(SealPayload(payload));
    // One content has one encoding.
    if (manifest.ok()) {
      ASSERT_EQ(EncodeExportManifest(*manifest), SealPayload(payload));
    }
  }
}

}  // namespace
}  // namespace rawkv
