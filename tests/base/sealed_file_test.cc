#include "base/sealed_file.h"

#include <gtest/gtest.h>

#include "base/sha256.h"
#include "base/types.h"
#include "tests/base/file_text.h"
#include "tests/support/temp_dir.h"

namespace rawkv {
namespace {

constexpr SealedKind kKind{.magic = "rkvEXMPL", .format = 1, .name = "EXAMPLE", .max_payload_bytes = 1000};

SealedKind WithFormat(uint32_t format) {
  SealedKind kind = kKind;
  kind.format = format;
  return kind;
}

// The worked example of docs/formats/sealed-file.md.
TEST(SealedFile, GoldenBytes) {
  EXPECT_EQ(ToHex(AsBytes(Seal(kKind, "hello"))),
            "726b7645584d504c"
            "01000000"
            "05000000"
            "d30637f2891c5da8"
            "68656c6c6f");
  EXPECT_EQ(*Unseal(kKind, Seal(kKind, "hello")), "hello");
}

TEST(SealedFile, PayloadsOfAnySizeUpToTheLimitRoundTrip) {
  for (const size_t size : {0u, 1u, 999u, 1000u}) {
    const std::string payload(size, '\0');
    const std::string file = Seal(kKind, payload);
    EXPECT_EQ(file.size(), kSealedHeaderBytes + size);
    EXPECT_EQ(*Unseal(kKind, file), payload);
  }
}

TEST(SealedFile, EveryFlippedBitIsCorruption) {
  const std::string good = Seal(kKind, "the payload of a small file");
  for (size_t i = 0; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ (1 << bit));
      const Result<std::string> payload = Unseal(kKind, bad);
      ASSERT_EQ(payload.status().code(), StatusCode::kCorruption) << "byte " << i << " bit " << bit;
    }
  }
}

TEST(SealedFile, EveryTruncationIsCorruption) {
  const std::string good = Seal(kKind, "the payload of a small file");
  for (size_t size = 0; size < good.size(); ++size) {
    ASSERT_EQ(Unseal(kKind, good.substr(0, size)).status().code(), StatusCode::kCorruption) << size;
  }
}

TEST(SealedFile, TrailingBytesAndZeroedFilesAreCorruption) {
  EXPECT_EQ(Unseal(kKind, Seal(kKind, "x") + '\0').status().code(), StatusCode::kCorruption);
  EXPECT_EQ(Unseal(kKind, std::string(4096, '\0')).status().code(), StatusCode::kCorruption);
  EXPECT_EQ(Unseal(kKind, Seal(kKind, "x") + Seal(kKind, "x")).status().code(), StatusCode::kCorruption);
}

TEST(SealedFile, IntactFileOfAnotherKindIsRefused) {
  SealedKind other = kKind;
  other.magic = "rkvOTHER";
  EXPECT_EQ(Unseal(kKind, Seal(other, "x")).status().code(), StatusCode::kCorruption);
}

TEST(SealedFile, OlderFormatsAreReadAndNewerOnesNamed) {
  EXPECT_EQ(*Unseal(WithFormat(3), Seal(WithFormat(2), "x")), "x");
  const Status newer = Unseal(kKind, Seal(WithFormat(3), "x")).status();
  EXPECT_EQ(newer.code(), StatusCode::kNotSupported);
  EXPECT_EQ(newer.message(), "EXAMPLE format 3 is newer than this build reads (1); use a newer rawkv");
}

TEST(SealedFile, DamagedFormatNumberIsDamageNotANewerFormat) {
  std::string file = Seal(kKind, "x");
  file[8] = 7;
  EXPECT_EQ(Unseal(kKind, file).status().code(), StatusCode::kCorruption);
}

TEST(SealedFile, IntactFileAboveTheLimitIsCorruption) {
  SealedKind larger = kKind;
  larger.max_payload_bytes = 2000;
  EXPECT_EQ(Unseal(kKind, Seal(larger, std::string(1001, 'x'))).status().code(), StatusCode::kCorruption);
}

TEST(SealedFile, FilesRoundTripAndErrorsNameThePath) {
  const TempDir dir;
  const std::string path = dir / "EXAMPLE";
  EXPECT_EQ(ReadSealedFile(PosixFs(), path, kKind).status().code(), StatusCode::kNotFound);
  ASSERT_TRUE(WriteSealedFile(PosixFs(), path, kKind, "one").ok());
  ASSERT_TRUE(WriteSealedFile(PosixFs(), path, kKind, "two").ok());
  EXPECT_EQ(*ReadSealedFile(PosixFs(), path, kKind), "two");

  Spit(path, Slurp(path).substr(1));
  const Status damaged = ReadSealedFile(PosixFs(), path, kKind).status();
  EXPECT_EQ(damaged.code(), StatusCode::kCorruption);
  EXPECT_EQ(damaged.message().find(path + ": EXAMPLE is damaged: "), 0u) << damaged.message();

  Spit(path, std::string(5000, 'x'));
  EXPECT_EQ(ReadSealedFile(PosixFs(), path, kKind).status().code(), StatusCode::kCorruption);
}

TEST(SealedFile, TooLargePayloadIsRefusedAndTheOldFileStays) {
  const TempDir dir;
  const std::string path = dir / "EXAMPLE";
  ASSERT_TRUE(WriteSealedFile(PosixFs(), path, kKind, "old").ok());
  EXPECT_EQ(WriteSealedFile(PosixFs(), path, kKind, std::string(1001, 'x')).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(*ReadSealedFile(PosixFs(), path, kKind), "old");
}

}  // namespace
}  // namespace rawkv
