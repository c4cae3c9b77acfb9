#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "engine/index/key_index.h"
#include "tests/engine/index/index_samples.h"
#include "tests/support/expect_status.h"
#include "tests/support/temp_dir.h"

// Invariant 12 for the files that RocksDB reads: damage is reported and never returned as data.
namespace rawkv {
namespace {

constexpr int kKeys = 120;

std::string KeyOf(int i) {
  return "key" + std::to_string(1000 + i);
}
std::string ValueOf(int i) {
  return std::string(200, static_cast<char>('a' + i % 26)) + std::to_string(i * 7919);
}

class IndexDamage : public ::testing::Test {
 protected:
  IndexDamage() {
    const auto index = CreateIndex(dir_);
    const auto batch = index->NewBatch();
    for (int i = 0; i < kKeys; ++i) batch->PutEntry(KeyOf(i), InlineEntry(1, ValueOf(i)));
    batch->PutMeta(MetaAt(1));
    EXPECT_TRUE(index->Apply(*batch).ok());
    Flush(*index);
  }

  std::string Only(std::string_view suffix) const {
    const std::vector<std::string> names = FilesIn(dir_, suffix);
    EXPECT_EQ(names.size(), 1u);
    return dir_ + "/" + names.front();
  }
  std::string Manifest() const {
    std::string name = FileContent(dir_ + "/CURRENT");
    name.pop_back();
    return dir_ + "/" + name;
  }
  static void Write(const std::string& path, const std::string& content) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
  }

  // Opens the index and reads everything. Returns true if any call returned an error. A wrong value fails the
  // test.
  bool IsDetected() {
    const auto index = KeyIndex::Open({.dir = dir_, .read_only = true, .fs = nullptr});
    if (!index.ok()) {
      EXPECT_EQ(index.status().code(), StatusCode::kCorruption) << index.status().ToString();
      return true;
    }
    bool detected = false;
    for (int i = 0; i < kKeys; ++i) {
      const auto entry = (*index)->Get(KeyOf(i));
      if (entry.ok()) {
        EXPECT_EQ(*entry, InlineEntry(1, ValueOf(i)));
      } else {
        EXPECT_EQ(entry.status().code(), StatusCode::kCorruption) << entry.status().ToString();
        detected = true;
      }
    }
    const auto cursor = (*index)->NewCursor("", "", nullptr);
    int seen = 0;
    for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) ++seen;
    EXPECT_TRUE(seen == kKeys || !cursor->status().ok());
    return detected || !cursor->status().ok();
  }

  const TempDir temp_;
  const std::string dir_ = temp_.File("index");
};

TEST_F(IndexDamage, AChangedByteInATableIsCorruptionWhenRead) {
  const std::string table = Only(".sst");
  std::string content = FileContent(table);
  content[100] = static_cast<char>(content[100] ^ 1);  // in the first data block
  Write(table, content);
  const auto index = OpenReadOnly(dir_);
  const Status status = index->Get(KeyOf(0)).status();
  EXPECT_STATUS(status, StatusCode::kCorruption, dir_);
  const std::vector<std::string_view> keys = {"key1000", "key1119"};
  EXPECT_EQ(index->MultiGet(keys)[0].status().code(), StatusCode::kCorruption);
}

TEST_F(IndexDamage, AnyChangedByteInATableIsDetectedOrHarmless) {
  const std::string table = Only(".sst");
  const std::string content = FileContent(table);
  int detected = 0;
  int tried = 0;
  for (size_t at = 0; at<content.size(); at += at + 600> content.size() ? 1 : 97) {
    SCOPED_TRACE("byte " + std::to_string(at) + " of " + std::to_string(content.size()));
    std::string damaged = content;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
    Write(table, damaged);
    detected += IsDetected() ? 1 : 0;
    ++tried;
  }
  EXPECT_GT(detected, tried / 2);
}

TEST_F(IndexDamage, VerifyChecksumsReadsEveryBlock) {
  const std::string table = Only(".sst");
  const std::string content = FileContent(table);
  EXPECT_TRUE(OpenReadOnly(dir_)->VerifyChecksums().ok());
  for (size_t at = 0; at + 600 < content.size(); at += 997) {
    SCOPED_TRACE("byte " + std::to_string(at) + " of " + std::to_string(content.size()));
    std::string damaged = content;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    Write(table, damaged);
    const auto index = KeyIndex::Open({.dir = dir_, .read_only = true, .fs = nullptr});
    const Status status = index.ok() ? (*index)->VerifyChecksums() : index.status();
    EXPECT_EQ(status.code(), StatusCode::kCorruption) << status.ToString();
  }
}

TEST_F(IndexDamage, AShortTableIsDetected) {
  const std::string table = Only(".sst");
  const std::string content = FileContent(table);
  for (const size_t length : {size_t{0}, size_t{10}, content.size() / 2, content.size() - 1}) {
    Write(table, content.substr(0, length));
    EXPECT_TRUE(IsDetected()) << length;
  }
}

TEST_F(IndexDamage, AMissingTableIsDetected) {
  std::filesystem::remove(Only(".sst"));
  EXPECT_TRUE(IsDetected());
}

TEST_F(IndexDamage, AMissingManifestIsCorruptionNotAbsence) {
  std::filesystem::remove(Manifest());
  EXPECT_TRUE(IsDetected());
}

TEST_F(IndexDamage, AChangedByteInTheManifestIsDetected) {
  const std::string manifest = Manifest();
  const std::string content = FileContent(manifest);
  for (size_t at = 0; at < content.size(); at += 3) {
    SCOPED_TRACE("byte " + std::to_string(at) + " of " + std::to_string(content.size()));
    std::string damaged = content;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    Write(manifest, damaged);
    const auto index = KeyIndex::Open({.dir = dir_, .read_only = true, .fs = nullptr});
    // A manifest that seems to end early gives an older state. For that reason a snapshot has a checksum of
    // this file.
    if (!index.ok()) {
      EXPECT_EQ(index.status().code(), StatusCode::kCorruption) << index.status().ToString();
    } else {
      const Result<MetaRecord> meta = (*index)->Meta();
      EXPECT_TRUE(meta.ok() ? meta->applied == Version(1) : meta.status().code() == StatusCode::kNotFound);
    }
  }
}

TEST_F(IndexDamage, InvalidCurrentFileIsCorruption) {
  for (const std::string& content : {std::string(), std::string("invalid"), std::string("invalid\n"),
                                     std::string("MANIFEST-999999\n"), std::string(5000, '\xff')}) {
    Write(dir_ + "/CURRENT", content);
    EXPECT_EQ(KeyIndex::Open({.dir = dir_, .read_only = true, .fs = nullptr}).status().code(),
              StatusCode::kCorruption);
    EXPECT_EQ(KeyIndex::Open({.dir = dir_, .fs = nullptr}).status().code(), StatusCode::kCorruption);
  }
}

}  // namespace
}  // namespace rawkv
