#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <random>

#include "base/byte_codec.h"
#include "snapshot/export_format.h"
#include "tests/support/damage.h"
#include "tests/support/expect_status.h"

namespace rawkv {
namespace {

constexpr uint64_t kChunkBytes = kMinChunkBytes;
constexpr uint64_t kMaxKey = 64 * 1024;

// An absent value is a deletion.
using Content = std::map<std::string, std::optional<std::string>>;

struct ChunkFile {
  ExportChunk row;
  std::string file;
};

std::string RandomBytes(std::mt19937_64& random, size_t length) {
  std::string out(length, '\0');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

ChunkWriter::Sink Into(std::vector<ChunkFile>& files) {
  return [&files](const ExportChunk& row, std::string_view file) {
    files.push_back({row, std::string(file)});
    return Status::Ok();
  };
}

// Appends values in random pieces of up to `piece_max` bytes.
std::vector<ChunkFile> Write(const Content& content, uint64_t piece_max, uint64_t seed = 1,
                             uint64_t chunk_bytes = kChunkBytes) {
  std::mt19937_64 random(seed);
  std::vector<ChunkFile> files;
  ChunkWriter writer(chunk_bytes, Into(files));
  for (const auto& entry : content) {
    if (!entry.second.has_value()) {
      EXPECT_TRUE(writer.AddDeletion(entry.first).ok());
      continue;
    }
    const ConstBytes value = AsBytes(*entry.second);
    EXPECT_TRUE(writer.BeginKey(entry.first, value.size()).ok());
    for (size_t done = 0; done < value.size();) {
      const size_t step = std::min<size_t>(value.size() - done, random() % (piece_max + 1));
      EXPECT_TRUE(writer.AppendValue(value.subspan(done, step)).ok());
      done += step;
    }
  }
  EXPECT_TRUE(writer.Finish().ok());
  return files;
}

// Reads the chunks as an importer does: joins fragments and checks that values continue without a gap.
Content Read(const std::vector<ChunkFile>& files) {
  Content content;
  std::string open_key;
  uint64_t open_left = 0;
  for (const ChunkFile& chunk : files) {
    const Status status = ReadChunk(chunk.row, chunk.file, [&](const ChunkFragment& fragment) {
      const std::string key(fragment.key);
      EXPECT_EQ(fragment.offset != 0, open_left != 0);
      if (open_left != 0) {
        EXPECT_EQ(key, open_key);
      }
      if (fragment.deletion) {
        EXPECT_TRUE(content.emplace(key, std::nullopt).second);
        return Status::Ok();
      }
      if (fragment.offset == 0) {
        EXPECT_TRUE(content.emplace(key, std::string()).second);
      }
      EXPECT_EQ(content[key]->size(), fragment.offset);
      content[key]->append(AsStringView(fragment.bytes));
      open_key = key;
      open_left = fragment.value_length - fragment.offset - fragment.bytes.size();
      return Status::Ok();
    });
    EXPECT_OK(status);
  }
  EXPECT_EQ(open_left, 0u);
  return content;
}

void ExpectSameFiles(const std::vector<ChunkFile>& a, const std::vector<ChunkFile>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].row, b[i].row);
    EXPECT_TRUE(a[i].file == b[i].file) << i;
  }
}

// The decoder must accept a manifest with these rows.
void ExpectValidRows(const std::vector<ChunkFile>& files) {
  ExportManifest manifest;
  manifest.chunk_bytes = kChunkBytes;
  for (const ChunkFile& chunk : files) manifest.chunks.push_back(chunk.row);
  const auto decoded = DecodeExportManifest(EncodeExportManifest(manifest));
  EXPECT_OK(decoded);
}

// The worked example of docs/formats/export.md.
TEST(ExportChunk, GoldenBytes) {
  const std::vector<ChunkFile> files = Write({{"apple", "red"}, {"big", ""}, {"gone", std::nullopt}}, 100);
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(ToHex(AsBytes(files[0].file)),
            "524b564348554e4b"    // magic
            "01000000"            // format
            "00000000"            // flags
            "050000006170706c65"  // key
            "0300000000000000"    // value length
            "0000000000000000"    // offset
            "03000000726564"      // bytes
            "03000000626967"      // an empty value
            "0000000000000000"
            "0000000000000000"
            "00000000"
            "04000000676f6e65"  // a deletion
            "ffffffffffffffff"
            "0000000000000000"
            "00000000");
  EXPECT_EQ(files[0].row.name, "chunk-00000000");
  EXPECT_EQ(files[0].row.bytes, files[0].file.size());
  EXPECT_EQ(files[0].row.first_key, "apple");
  EXPECT_EQ(files[0].row.last_key, "gone");
}

TEST(ExportChunk, EmptyContentMakesNoChunk) {
  EXPECT_TRUE(Write({}, 1).empty());
}

TEST(ExportChunk, EqualContentGivesEqualBytesForAnyPieces) {
  std::mt19937_64 random(7);
  Content content;
  for (int i = 0; i < 300; ++i) {
    content[RandomBytes(random, 1 + random() % 40)] = RandomBytes(random, random() % 5000);
  }
  content["large"] = RandomBytes(random, 5 * kChunkBytes + 123);
  const std::vector<ChunkFile> whole = Write(content, 1 << 30);
  EXPECT_GT(whole.size(), 10u);
  ExpectSameFiles(whole, Write(content, 3, 2));
  ExpectSameFiles(whole, Write(content, 1000, 3));
  ExpectSameFiles(whole, Write(content, kChunkBytes, 4));
  EXPECT_EQ(Read(whole), content);
  ExpectValidRows(whole);
}

TEST(ExportChunk, LargeValueFillsItsChunksToTheLastByte) {
  std::mt19937_64 random(7);
  const Content content = {{"a", "small"}, {"b", RandomBytes(random, 3 * kChunkBytes)}, {"c", "small"}};
  const std::vector<ChunkFile> files = Write(content, 4096);
  ASSERT_EQ(files.size(), 4u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(files[i].row.bytes, kChunkBytes);
  EXPECT_EQ(files[0].row.first_key, "a");
  EXPECT_EQ(files[1].row.first_key, "b");
  EXPECT_EQ(files[3].row.last_key, "c");
  EXPECT_EQ(Read(files), content);
  ExpectValidRows(files);
}

// C2 at its limits: every remainder of a chunk, from enough for a fragment to none.
TEST(ExportChunk, RoundTripsAtEveryRemainderOfAChunk) {
  constexpr uint64_t kHead = 16 + 24 + 1;  // header, and the head of a one-byte key
  for (uint64_t remainder = 0; remainder < 40; ++remainder) {
    for (const size_t second : {size_t{0}, size_t{1}, size_t{30}}) {
      const Content content = {{"a", std::string(kChunkBytes - kHead - remainder, 'x')},
                               {"b", std::string(second, 'y')},
                               {"c", std::nullopt}};
      const std::vector<ChunkFile> files = Write(content, 1 << 20);
      for (const ChunkFile& chunk : files) ASSERT_LE(chunk.row.bytes, kChunkBytes);
      ASSERT_EQ(Read(files), content) << remainder << " " << second;
      const bool fits_behind = remainder >= 25 + std::min<size_t>(second, 1);
      ASSERT_EQ(files[0].row.last_key == "a", !fits_behind) << remainder << " " << second;
      ExpectValidRows(files);
    }
  }
}

TEST(ExportChunk, LongestKeysAndAllChunkSizesRoundTrip) {
  std::mt19937_64 random(7);
  Content content;
  for (int i = 0; i < 6; ++i) {
    content[std::string(kMaxKey - 1, 'k') + std::to_string(i)] = RandomBytes(random, 100'000);
  }
  for (const uint64_t chunk_bytes : {kMinChunkBytes, kMinChunkBytes + 1, uint64_t{1} << 20, kMaxChunkBytes}) {
    const std::vector<ChunkFile> files = Write(content, 50'000, 1, chunk_bytes);
    for (const ChunkFile& chunk : files) EXPECT_LE(chunk.row.bytes, chunk_bytes);
    EXPECT_EQ(Read(files), content);
  }
}

TEST(ExportChunk, RandomContentRoundTrips) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    Content content;
    for (uint64_t keys = random() % 60; keys > 0; --keys) {
      const size_t longest = size_t{1} << (random() % 19);
      std::string key = RandomBytes(random, 1 + random() % (random() % 10 == 0 ? kMaxKey : 30));
      if (random() % 8 == 0) {
        content[std::move(key)] = std::nullopt;
      } else {
        content[std::move(key)] = RandomBytes(random, random() % longest);
      }
    }
    const std::vector<ChunkFile> files = Write(content, 1 + random() % 100'000, seed);
    ASSERT_EQ(Read(files), content);
    ExpectValidRows(files);
  }
}

TEST(ChunkWriter, RefusesMisuseWithoutEffect) {
  std::vector<ChunkFile> files;
  ChunkWriter writer(kChunkBytes, Into(files));
  const auto bad = StatusCode::kInvalidArgument;
  EXPECT_EQ(writer.BeginKey("", 1).code(), bad);
  EXPECT_EQ(writer.BeginKey(std::string(kMaxKey + 1, 'x'), 1).code(), bad);
  EXPECT_EQ(writer.BeginKey("a", (1ull << 30) + 1).code(), bad);
  EXPECT_EQ(writer.AppendValue(AsBytes("x")).code(), bad);
  ASSERT_TRUE(writer.BeginKey("b", 4).ok());
  EXPECT_EQ(writer.AppendValue(AsBytes("12345")).code(), bad);
  ASSERT_TRUE(writer.AppendValue(AsBytes("123")).ok());
  EXPECT_EQ(writer.BeginKey("c", 0).code(), bad);  // a byte is missing
  EXPECT_EQ(writer.AddDeletion("c").code(), bad);
  EXPECT_EQ(writer.Finish().code(), bad);
  ASSERT_TRUE(writer.AppendValue(AsBytes("4")).ok());
  EXPECT_EQ(writer.BeginKey("b", 0).code(), bad);
  EXPECT_EQ(writer.BeginKey("a", 0).code(), bad);
  EXPECT_TRUE(writer.Finish().ok());
  EXPECT_EQ(Read(files), (Content{{"b", "1234"}}));
}

TEST(ChunkWriter, RefusesChunkSizesOutOfBounds) {
  for (const uint64_t bytes : {uint64_t{0}, kMinChunkBytes - 1, kMaxChunkBytes + 1, ~uint64_t{0}}) {
    ChunkWriter writer(bytes, [](const ExportChunk&, std::string_view) { return Status::Ok(); });
    EXPECT_EQ(writer.BeginKey("a", 1).code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(writer.Finish().code(), StatusCode::kInvalidArgument);
  }
}

TEST(ChunkWriter, ErrorOfTheSinkIsFinal) {
  int calls = 0;
  ChunkWriter writer(kChunkBytes, [&](const ExportChunk&, std::string_view) {
    ++calls;
    return Status::NoSpace("full");
  });
  ASSERT_TRUE(writer.BeginKey("a", 2 * kChunkBytes).ok());
  const std::string value(2 * kChunkBytes, 'x');
  EXPECT_EQ(writer.AppendValue(AsBytes(value)).code(), StatusCode::kNoSpace);
  EXPECT_EQ(writer.AppendValue(AsBytes("x")).code(), StatusCode::kNoSpace);
  EXPECT_EQ(writer.BeginKey("b", 0).code(), StatusCode::kNoSpace);
  EXPECT_EQ(writer.Finish().code(), StatusCode::kNoSpace);
  EXPECT_EQ(calls, 1);
}

class HostileChunkTest : public testing::Test {
 protected:
  // Makes the row match the file, as an attacker would.
  static Status ReadForged(const std::string& file, const std::string& first, const std::string& last) {
    const ExportChunk row{.name = "chunk-00000000",
                          .bytes = file.size(),
                          .sha256 = Sha256Of(AsBytes(file)),
                          .first_key = first,
                          .last_key = last};
    return ReadChunk(row, file, [&](const ChunkFragment& fragment) {
      const char* begin = reinterpret_cast<const char*>(fragment.bytes.data());
      EXPECT_TRUE(fragment.bytes.empty() ||
                  (begin >= file.data() && begin + fragment.bytes.size() <= file.data() + file.size()));
      EXPECT_LE(fragment.key.size(), kMaxKey);
      EXPECT_LE(fragment.offset + fragment.bytes.size(), fragment.value_length);
      return Status::Ok();
    });
  }

  struct Raw {
    std::string key;
    uint64_t value_length;
    uint64_t offset;
    std::string bytes;
  };
  static std::string File(const std::vector<Raw>& fragments) {
    ByteWriter out;
    out.Raw("RKVCHUNK");
    out.U32(1);
    out.U32(0);
    for (const Raw& raw : fragments) {
      out.Blob(raw.key);
      out.U64(raw.value_length);
      out.U64(raw.offset);
      out.Blob(raw.bytes);
    }
    return out.Take();
  }
  static StatusCode Code(const std::vector<Raw>& fragments) {
    const std::string first = fragments.empty() ? "a" : fragments.front().key;
    const std::string last = fragments.empty() ? "a" : fragments.back().key;
    return ReadForged(File(fragments), first, last).code();
  }
};

TEST_F(HostileChunkTest, AnyDamageIsCorruptionOfTheNamedChunk) {
  const std::vector<ChunkFile> files = Write({{"apple", "red"}, {"big", ""}, {"gone", std::nullopt}}, 100);
  ExpectAllDamageIsCorruption(files[0].file, [&](const std::string& file) {
    bool delivered = false;
    const Status status = ReadChunk(files[0].row, file, [&](const ChunkFragment&) {
      delivered = true;
      return Status::Ok();
    });
    EXPECT_EQ(delivered, status.ok());
    EXPECT_TRUE(status.ok() || status.message().find("chunk-00000000") != std::string::npos);
    return status.code();
  });
}

TEST_F(HostileChunkTest, StructureIsCheckedBeforeAnythingIsDelivered) {
  const auto bad = StatusCode::kCorruption;
  EXPECT_EQ(Code({{"a", 3, 0, "red"}, {"b", 0, 0, ""}}), StatusCode::kOk);
  EXPECT_EQ(Code({}), bad);                                            // empty
  EXPECT_EQ(Code({{"", 1, 0, "x"}}), bad);                             // no key
  EXPECT_EQ(Code({{std::string(kMaxKey + 1, 'k'), 1, 0, "x"}}), bad);  // key too long
  EXPECT_EQ(Code({{"a", (1ull << 30) + 1, 0, "x"}}), bad);             // value too long
  EXPECT_EQ(Code({{"a", 1, 0, "xy"}}), bad);                           // beyond its value
  EXPECT_EQ(Code({{"a", 5, 4, "xy"}}), bad);
  EXPECT_EQ(Code({{"a", 5, ~uint64_t{0}, "xy"}}), bad);
  EXPECT_EQ(Code({{"a", 5, 6, ""}}), bad);
  EXPECT_EQ(Code({{"a", 5, 0, ""}}), bad);                                 // no progress
  EXPECT_EQ(Code({{"b", 1, 0, "x"}, {"a", 1, 0, "x"}}), bad);              // not ascending
  EXPECT_EQ(Code({{"a", 2, 0, "x"}, {"a", 2, 1, "x"}}), bad);              // a key twice
  EXPECT_EQ(Code({{"a", 2, 0, "x"}, {"b", 1, 0, "x"}}), bad);              // ends in its middle
  EXPECT_EQ(Code({{"a", 1, 0, "x"}, {"b", 2, 1, "x"}}), bad);              // begins in its middle
  EXPECT_EQ(Code({{"a", 2, 1, "x"}, {"b", 2, 0, "x"}}), StatusCode::kOk);  // both ends open
  EXPECT_EQ(Code({{"a", ~uint64_t{0}, 0, ""}}), StatusCode::kOk);          // a deletion
  EXPECT_EQ(Code({{"a", ~uint64_t{0}, 0, "x"}}), bad);                     // with a value
  EXPECT_EQ(Code({{"a", ~uint64_t{0}, 1, ""}}), bad);
  EXPECT_EQ(Code({{"a", ~uint64_t{0} - 1, 0, ""}}), bad);
}

TEST_F(HostileChunkTest, FirstAndLastKeyMustMatchTheRow) {
  const std::string file = File({{"b", 1, 0, "x"}, {"c", 1, 0, "x"}});
  EXPECT_EQ(ReadForged(file, "b", "c").code(), StatusCode::kOk);
  EXPECT_EQ(ReadForged(file, "a", "c").code(), StatusCode::kCorruption);
  EXPECT_EQ(ReadForged(file, "b", "d").code(), StatusCode::kCorruption);
}

TEST_F(HostileChunkTest, HeaderIsChecked) {
  std::string file = File({{"a", 1, 0, "x"}});
  const auto with = [&](size_t offset, char value) {
    std::string changed = file;
    changed[offset] = value;
    return ReadForged(changed, "a", "a").code();
  };
  EXPECT_EQ(with(0, 'X'), StatusCode::kCorruption);
  EXPECT_EQ(with(8, 0), StatusCode::kCorruption);
  EXPECT_EQ(with(8, 2), StatusCode::kNotSupported);
  EXPECT_EQ(with(12, 1), StatusCode::kNotSupported);
  EXPECT_EQ(ReadForged("", "a", "a").code(), StatusCode::kCorruption);
  EXPECT_EQ(ReadForged("RKVCHUNK", "a", "a").code(), StatusCode::kCorruption);
}

TEST_F(HostileChunkTest, TooLargeChunkIsRefused) {
  const std::string file(kMaxChunkBytes + 1, '\0');
  EXPECT_EQ(ReadForged(file, "a", "a").code(), StatusCode::kCorruption);
}

TEST_F(HostileChunkTest, RandomForgeriesNeverCrash) {
  std::mt19937_64 random(1);
  const std::string good = File({{"a", 3, 0, "red"}, {"bb", 0, 0, ""}, {"cc", 300, 0, std::string(30, 'x')}});
  for (int round = 0; round < 20000; ++round) {
    std::string file = good;
    for (uint64_t changes = random() % 3 + 1; changes > 0; --changes) {
      file[random() % file.size()] = static_cast<char>(random());
    }
    file.resize(random() % 4 == 0 ? random() % file.size() : file.size());
    (void)ReadForged(file, "a", "cc").ok();
  }
}

TEST(ReadChunk, ErrorOfTheCallbackEndsTheWalk) {
  const std::vector<ChunkFile> files = Write({{"a", "1"}, {"b", "2"}}, 100);
  int calls = 0;
  const Status status = ReadChunk(files[0].row, files[0].file, [&](const ChunkFragment&) {
    ++calls;
    return Status::NoSpace("full");
  });
  EXPECT_EQ(status.code(), StatusCode::kNoSpace);
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace rawkv
