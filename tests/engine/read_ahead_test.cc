// Iterators that read the values of the next entries together.

#include <filesystem>
#include <fstream>
#include <random>

#include "base/fs_ops.h"
#include "tests/engine/engine_fixture.h"

namespace rawkv {
namespace {

constexpr uint64_t kKeys = 200;

class ReadAheadTest : public EngineTest {
 protected:
  void SetUp() override {
    format_.capacity_bytes = 256 * kMiB;
    format_.inline_bytes = 100;
    FormatAndOpen();
    WriteBatch batch;
    for (uint64_t i = 0; i < kKeys; ++i) batch.Put(KeyOf(i), ValueOf(i));
    ASSERT_OK(engine_->Commit(batch).status);
  }
  static std::string KeyOf(uint64_t i) {
    const std::string digits = std::to_string(i);
    return "k" + std::string(4 - digits.size(), '0') + digits;
  }
  // Inline ones, empty ones, aligned and unaligned payloads, and one of several chunks.
  static uint64_t SizeOf(uint64_t i) {
    constexpr uint64_t kSizes[] = {4096, 5000, 101, 50, 70'000, 0, 8192, 12'345};
    return i == 77 ? 700'000 : kSizes[i % std::size(kSizes)];
  }
  static std::string ValueOf(uint64_t i) { return MakeValue({i, SizeOf(i)}); }
  std::unique_ptr<Iterator> NewIterator(uint64_t read_ahead_bytes) {
    IteratorOptions options;
    options.read_ahead_bytes = read_ahead_bytes;
    Result<std::unique_ptr<Iterator>> made = engine_->NewIterator(options);
    EXPECT_OK(made);
    return *std::move(made);
  }
  // The value, or the error.
  static std::string Read(const Iterator& it) {
    const Result<std::string> value = it.ReadValue();
    return value.ok() ? *value : value.status().ToString();
  }
  uint64_t DeviceBytes() { return engine_->stats().device_bytes_read; }
};

TEST_F(ReadAheadTest, EveryValueIsTheSameInBothDirections) {
  for (const uint64_t bytes : {uint64_t{0}, uint64_t{1}, 4 * kKiB, 64 * kKiB, 2 * kMiB, kMaxReadAheadBytes}) {
    SCOPED_TRACE(std::to_string(bytes) + " bytes ahead");
    const std::unique_ptr<Iterator> it = NewIterator(bytes);
    uint64_t i = 0;
    for (it->SeekToFirst(); it->Valid(); it->Next(), ++i) {
      ASSERT_EQ(it->key(), KeyOf(i));
      ASSERT_EQ(Read(*it), ValueOf(i)) << i;
    }
    ASSERT_EQ(i, kKeys);
    for (it->SeekToLast(); it->Valid(); it->Prev()) {
      ASSERT_EQ(it->key(), KeyOf(--i));
      ASSERT_EQ(Read(*it), ValueOf(i)) << i;
    }
    ASSERT_EQ(i, 0);
  }
}

TEST_F(ReadAheadTest, EveryWalkSeesTheRightValues) {
  std::mt19937_64 random(17);
  for (const uint64_t bytes : {4 * kKiB, 100 * kKiB, 2 * kMiB}) {
    const std::unique_ptr<Iterator> it = NewIterator(bytes);
    uint64_t at = 0;
    it->SeekToFirst();
    for (int step = 0; step < 4000; ++step) {
      const uint64_t what = random() % 100;
      if (what < 60) {
        it->Next();
        ++at;
      } else if (what < 75) {
        it->Prev();
        --at;  // wraps before the first entry
      }
      if (what >= 98 || at >= kKeys) {
        at = random() % kKeys;
        it->Seek(KeyOf(at));
      }
      ASSERT_TRUE(it->Valid());
      ASSERT_EQ(it->key(), KeyOf(at));
      if (random() % 8 != 0) ASSERT_EQ(Read(*it), ValueOf(at)) << step;
    }
  }
}

TEST_F(ReadAheadTest, AWalkReadsEachValueOnce) {
  uint64_t payload = 0;
  for (uint64_t i = 0; i < kKeys; ++i) payload += SizeOf(i) <= 100 ? 0 : AlignUp(SizeOf(i), 4096);
  for (const uint64_t bytes : {uint64_t{0}, 64 * kKiB, 2 * kMiB}) {
    const std::unique_ptr<Iterator> it = NewIterator(bytes);
    const uint64_t before = DeviceBytes();
    for (it->SeekToFirst(); it->Valid(); it->Next()) ASSERT_OK(it->ReadValue());
    EXPECT_EQ(DeviceBytes() - before, payload) << bytes;
  }
}

TEST_F(ReadAheadTest, NothingIsReadAheadBeforeTheSecondConsecutiveValue) {
  const std::unique_ptr<Iterator> it = NewIterator(2 * kMiB);
  const auto read = [&] {
    const uint64_t before = DeviceBytes();
    EXPECT_OK(it->ReadValue());
    return DeviceBytes() - before;
  };
  it->Seek(KeyOf(0));
  EXPECT_EQ(read(), 4096);  // one value
  it->Seek(KeyOf(8));
  EXPECT_EQ(read(), 4096);  // a jump is no walk
  it->Next();
  it->Next();
  EXPECT_EQ(read(), 4096);  // one value was left out
  it->Next();               // inline
  EXPECT_EQ(read(), 0);
  it->Next();
  EXPECT_GT(read(), 100'000);  // consecutive: this one and those after it
  EXPECT_EQ(read(), 0);        // the same entry again
  it->Prev();
  it->Prev();
  EXPECT_EQ(read(), 4096);  // the direction has changed
}

TEST_F(ReadAheadTest, LaterCommitsDoNotChangeWhatIsSeen) {
  const std::unique_ptr<Iterator> it = NewIterator(64 * kKiB);
  it->SeekToFirst();
  for (uint64_t i = 0; it->Valid(); it->Next(), ++i) {
    ASSERT_EQ(Read(*it), ValueOf(i));
    if (i % 10 != 0) continue;
    WriteBatch batch;  // the next entries
    for (uint64_t k = i; k < i + 12; ++k) batch.Put(KeyOf(k), std::string(6000, 'n'));
    ASSERT_OK(engine_->Commit(batch).status);
  }
}

TEST_F(ReadAheadTest, DamagedValueIsReportedAtItsEntryOnly) {
  whole_at_the_end_ = false;
  const std::string marked = "find this value on the device " + std::string(5000, 'd');
  WriteBatch batch;
  batch.Put(KeyOf(40), marked);
  ASSERT_OK(engine_->Commit(batch).status);
  Close();
  {
    std::fstream device(Path("device.img"), std::ios::in | std::ios::out | std::ios::binary);
    std::string block(4096, '\0');
    bool found = false;
    for (std::streamoff at = 0; !found && device.seekg(at) && device.read(block.data(), 4096); at += 4096) {
      if (!block.starts_with(marked.substr(0, 30))) continue;
      found = true;
      device.seekp(at + 100);
      device.put('X');
    }
    ASSERT_TRUE(found);
  }
  Open();
  for (const uint64_t bytes : {uint64_t{0}, 64 * kKiB, 2 * kMiB}) {
    const std::unique_ptr<Iterator> it = NewIterator(bytes);
    uint64_t i = 0;
    for (it->SeekToFirst(); it->Valid(); it->Next(), ++i) {
      if (i == 40) {
        EXPECT_STATUS(it->ReadValue(), StatusCode::kCorruption, KeyOf(40));
        EXPECT_STATUS(it->ReadValue(), StatusCode::kCorruption, KeyOf(40));
      } else {
        ASSERT_EQ(Read(*it), ValueOf(i)) << i;
      }
    }
    EXPECT_EQ(i, kKeys);
  }
}

TEST_F(ReadAheadTest, TheMemoryIsBounded) {
  IteratorOptions options;
  options.read_ahead_bytes = kMaxReadAheadBytes + 1;
  EXPECT_STATUS(engine_->NewIterator(options), StatusCode::kInvalidArgument, "read_ahead_bytes");
}

}  // namespace
}  // namespace rawkv
