#include "snapshot/manifest.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "base/sealed_file.h"
#include "tests/support/damage.h"

namespace rawkv {
namespace {

Manifest Example() {
  Manifest manifest;
  manifest.store_uuid = *Uuid::Parse("00112233-4455-4677-8899-aabbccddeeff");
  manifest.version = Version(42);
  manifest.lineage = Lineage(0x1122334455667788);
  manifest.created_unix_ms = 1'700'000'000'000;
  manifest.files = {{.path = "index/000012.sst",
                     .size_bytes = 300,
                     .checksum_kind = FileChecksumKind::kCrc32c,
                     .checksum = "\x01\x02\x03\x04"},
                    {.path = "index/CURRENT",
                     .size_bytes = 16,
                     .checksum_kind = FileChecksumKind::kXxh3,
                     .checksum = "\x11\x12\x13\x14\x15\x16\x17\x18"}};
  return manifest;
}

std::string SealPayload(std::string_view payload, uint32_t format = kSnapshotFormat) {
  return Seal({.magic = "RKVMANIF", .format = format, .name = "MANIFEST"}, payload);
}

// The worked example of docs/formats/manifest.md.
TEST(Manifest, GoldenBytes) {
  EXPECT_EQ(ToHex(AsBytes(EncodeManifest(Example()))),
            "524b564d414e4946"                      // magic
            "01000000"                              // format
            "62000000"                              // payload length
            "135e200cd340fa3c"                      // checksum
            "121000112233445546778899aabbccddeeff"  // store_uuid
            "182a"                                  // version
            "218877665544332211"                    // lineage
            "2880d095ffbc31"                        // created_unix_ms
            "3a1d"                                  // a file: path, size, kind of checksum, checksum
            "0a10696e6465782f3030303031322e737374"
            "10ac02"
            "1802"
            "220401020304"
            "3a1d"  // another
            "0a0d696e6465782f43555252454e54"
            "1010"
            "1801"
            "22081112131415161718");
}

TEST(Manifest, RoundTrips) {
  Manifest manifest = Example();
  EXPECT_EQ(*DecodeManifest(EncodeManifest(manifest)), manifest);
  manifest.digest = Sha256Of(AsBytes("state"));
  manifest.version = kMaxVersion;
  manifest.by_log_bytes = true;
  manifest.files.clear();
  EXPECT_EQ(*DecodeManifest(EncodeManifest(manifest)), manifest);
  EXPECT_EQ(*DecodeManifest(EncodeManifest(Manifest())), Manifest());
}

TEST(Manifest, AnyDamageIsCorruption) {
  ExpectAllDamageIsCorruption(EncodeManifest(Example()),
                              [](const std::string& file) { return DecodeManifest(file).status().code(); });
}

// The file has a correct checksum: an attacker or a bug made it.
TEST(Manifest, PathsThatCouldLeadOutsideAreRefused) {
  for (const std::string& path :
       {std::string(), std::string("/etc/passwd"), std::string(".."), std::string("index/../../x"),
        std::string("."), std::string("index/./x"), std::string("index//x"), std::string("index/"),
        std::string("a\0b", 3), std::string("index/.."), std::string(5000, 'x')}) {
    Manifest manifest = Example();
    manifest.files.resize(1);
    manifest.files[0].path = path;
    EXPECT_EQ(DecodeManifest(EncodeManifest(manifest)).status().code(), StatusCode::kCorruption) << path;
  }
  for (const char* path : {"x", "index/..x", "index/.hidden", "a/b/c/d"}) {
    Manifest manifest = Example();
    manifest.files.resize(1);
    manifest.files[0].path = path;
    EXPECT_TRUE(DecodeManifest(EncodeManifest(manifest)).ok()) << path;
  }
}

TEST(Manifest, VersionsThatCouldWrapAreRefused) {
  Manifest manifest = Example();
  manifest.version = kMaxVersion;
  EXPECT_TRUE(DecodeManifest(EncodeManifest(manifest)).ok());
  manifest.version = Next(kMaxVersion);
  EXPECT_EQ(DecodeManifest(EncodeManifest(manifest)).status().code(), StatusCode::kCorruption);
}

TEST(Manifest, DuplicatesAndDisorderAreRefused) {
  Manifest manifest = Example();
  std::swap(manifest.files[0], manifest.files[1]);
  EXPECT_EQ(DecodeManifest(EncodeManifest(manifest)).status().code(), StatusCode::kCorruption);
  manifest.files[0] = manifest.files[1];
  EXPECT_EQ(DecodeManifest(EncodeManifest(manifest)).status().code(), StatusCode::kCorruption);
}

TEST(Manifest, ChecksumsHaveAKnownKindAndItsLength) {
  const auto decode = [](const std::function<void(ManifestFile&)>& change) {
    Manifest manifest = Example();
    change(manifest.files[0]);
    return DecodeManifest(EncodeManifest(manifest)).status().code();
  };
  EXPECT_EQ(decode([](ManifestFile& f) { f.checksum.clear(); }), StatusCode::kCorruption);
  EXPECT_EQ(decode([](ManifestFile& f) { f.checksum.push_back('x'); }), StatusCode::kCorruption);
  EXPECT_EQ(decode([](ManifestFile& f) { f.checksum_kind = FileChecksumKind::kXxh3; }),
            StatusCode::kCorruption);
  EXPECT_EQ(decode([](ManifestFile& f) { f.checksum_kind = FileChecksumKind(3); }), StatusCode::kCorruption);
  EXPECT_EQ(decode([](ManifestFile& f) { f.size_bytes = ~uint64_t{0}; }), StatusCode::kCorruption);
}

TEST(Manifest, NewerFormatAndUnknownFlagsAreNotSupported) {
  const std::string good = EncodeManifest(Example());
  const std::string payload = good.substr(kSealedHeaderBytes);
  EXPECT_EQ(DecodeManifest(SealPayload(payload)).status().code(), StatusCode::kOk);
  EXPECT_EQ(DecodeManifest(SealPayload(payload, kSnapshotFormat + 1)).status().code(),
            StatusCode::kNotSupported);
  // Field 1 (flags) = 1, appended: the last one counts.
  EXPECT_EQ(DecodeManifest(SealPayload(payload + "\x08\x01")).status().code(), StatusCode::kNotSupported);
  // Field 15 is unknown, and a reader skips it.
  EXPECT_EQ(*DecodeManifest(SealPayload(payload + "\x78\x01")), Example());
}

TEST(Manifest, MissingIdentityIsRefused) {
  EXPECT_EQ(DecodeManifest(SealPayload("")).status().code(), StatusCode::kCorruption);
  const std::string payload = EncodeManifest(Example()).substr(kSealedHeaderBytes);
  EXPECT_EQ(DecodeManifest(SealPayload(payload + std::string("\x12\x01x", 3))).status().code(),
            StatusCode::kCorruption);  // store_uuid of 1 byte
  EXPECT_EQ(DecodeManifest(SealPayload(payload + std::string("\x32\x01x", 3))).status().code(),
            StatusCode::kCorruption);  // digest of 1 byte
}

TEST(Manifest, RandomPayloadsWithAGoodChecksumNeverCrash) {
  std::mt19937_64 random(1);
  const std::string good = EncodeManifest(Example()).substr(kSealedHeaderBytes);
  for (int round = 0; round < 20000; ++round) {
    std::string payload = good;
    for (uint64_t changes = random() % 4 + 1; changes > 0; --changes) {
      payload[random() % payload.size()] = static_cast<char>(random());
    }
    payload.resize(random() % 4 == 0 ? random() % payload.size() : payload.size());
    const Result<Manifest> manifest = DecodeManifest(SealPayload(payload));
    if (manifest.ok()) {
      ASSERT_EQ(*DecodeManifest(EncodeManifest(*manifest)), *manifest);
    }
  }
}

}  // namespace
}  // namespace rawkv
