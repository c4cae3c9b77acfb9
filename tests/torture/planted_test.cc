// A judge that cannot fail proves nothing. These tests damage the store between the kill and the judgement,
// and the judge must report it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/fs.h"
#include "base/unique_fd.h"
#include "engine/admin/inspect.h"
#include "engine/engine.h"
#include "snapshot/pins.h"
#include "tests/support/temp_dir.h"
#include "tools/torture/campaign.h"
#include "tools/torture/judge.h"
#include "tools/torture/worker_main.h"

namespace rawkv::torture {
namespace {

namespace stdfs = std::filesystem;

constexpr size_t kSegmentHeaderBytesMax = 4096;

class PlantedTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(PosixFs().MakeDir(scratch_.File("scratch")).ok()); }

  // Formats a new store, starts a worker on it and kills the worker. Records all messages in order.
  void WorkAndKill(uint64_t seed, uint32_t actors = 1) {
    std::error_code ignored;
    stdfs::remove_all(store_, ignored);
    FormatOptions format;
    format.capacity_bytes = 256 << 20;
    format.runtime.wal_segment_bytes = 1 << 20;
    ASSERT_TRUE(Engine::Format(store_, format).ok());
    history_ = std::make_unique<History>(Version(0));
    KillOnce(seed, actors);
  }

  void KillOnce(uint64_t seed, uint32_t actors) {
    const WorkerPlan plan = {
        .store = store_, .scratch = scratch_.File("scratch"), .seed = seed, .actors = actors};
    const auto worker = WorkerProcess::Start("/proc/self/exe", WorkerArguments(plan));
    ASSERT_TRUE(worker.ok()) << worker.status().ToString();
    const auto messages = (*worker)->KillAt({.messages = 160});
    ASSERT_TRUE(messages.ok()) << messages.status().ToString();
    for (const Message& m : *messages) ASSERT_TRUE(history_->Record(m).ok());
    history_->ProcessEnded();
  }

  Status JudgeStore(bool deep = false) {
    judged_ = {};
    return Judge({.store = store_, .seed = 1, .deep = deep, .samples = 3}, history_.get(), &judged_);
  }

  static void ExpectDetected(const Status& status) {
    EXPECT_EQ(status.code(), StatusCode::kCorruption) << status.ToString();
  }

  uint64_t LastInLog() {
    const auto segments = ListLog(store_, {});
    EXPECT_TRUE(segments.ok()) << segments.status().ToString();
    return segments.ok() && !segments->empty() ? segments->back().last.value() : 0;
  }

  // Zeroes the newest segment from its end backwards until an acknowledged version is lost. False if the
  // segment has none.
  bool CutLog() {
    std::set<std::string> segments;
    for (const auto& entry : stdfs::directory_iterator(store_ + "/wal")) segments.insert(entry.path());
    const std::string path = *segments.rbegin();
    std::string bytes(stdfs::file_size(path), '\0');
    const UniqueFd fd(open(path.c_str(), O_RDWR));
    EXPECT_EQ(pread(fd.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
    for (size_t end = bytes.find_last_not_of('\0') + 1; end > kSegmentHeaderBytesMax;) {
      const size_t from = end - std::min<size_t>(end - kSegmentHeaderBytesMax, 256);
      const std::string zeros(end - from, '\0');
      EXPECT_EQ(pwrite(fd.get(), zeros.data(), zeros.size(), static_cast<off_t>(from)),
                static_cast<ssize_t>(zeros.size()));
      if (LastInLog() < history_->known().value()) return true;
      end = from;
    }
    return false;
  }

  const TempDir scratch_;
  const std::string store_ = scratch_.File("store");
  std::unique_ptr<History> history_;
  Judged judged_;
};

TEST_F(PlantedTest, UndamagedStorePasses) {
  WorkAndKill(1, 4);
  EXPECT_TRUE(JudgeStore(true).ok());
  EXPECT_GE(judged_.versions, 2u);
  EXPECT_GT(judged_.keys, 0u);
}

TEST_F(PlantedTest, CutTailOfTheLogIsDetected) {
  int lower_tips = 0, cuts = 0;
  for (uint64_t seed = 1; seed <= 20 && lower_tips < 2; ++seed) {
    WorkAndKill(seed);
    if (!CutLog()) continue;  // a snapshot has just dropped the log
    ++cuts;
    const Status status = JudgeStore();
    ExpectDetected(status);
    // If an index or a snapshot is ahead of the cut, the open fails instead.
    if (status.message().find("was reopened at version") != std::string::npos) ++lower_tips;
  }
  EXPECT_EQ(lower_tips, 2) << "of " << cuts << " cuts";
}

TEST_F(PlantedTest, EarlierStateOfTheWholeStoreIsDetected) {
  WorkAndKill(3);
  const std::string earlier = scratch_.File("earlier");
  stdfs::copy(store_, earlier, stdfs::copy_options::recursive | stdfs::copy_options::copy_symlinks);
  KillOnce(4, 1);
  stdfs::remove_all(store_);
  stdfs::rename(earlier, store_);
  ExpectDetected(JudgeStore());
}

TEST_F(PlantedTest, ForeignCommitIsDetected) {
  WorkAndKill(5);
  {
    OpenOptions quiet;
    quiet.env.logger = &NullLogger();
    auto engine = Engine::Open(store_, quiet);
    ASSERT_TRUE(engine.ok());
    WriteBatch batch;
    batch.Put("key1", "of another process");
    ASSERT_TRUE((*engine)->Commit(batch).ok());
    ASSERT_TRUE((*engine)->Commit(batch).ok());
  }
  ExpectDetected(JudgeStore());
}

TEST_F(PlantedTest, ChangedPayloadIsDetected) {
  WorkAndKill(6);
  // Changes one byte in each slot with data; some of these slots are live.
  const std::string device = store_ + "/device.img";
  const UniqueFd fd(open(device.c_str(), O_RDWR));
  int changed = 0;
  for (int64_t at = lseek(fd.get(), 1 << 20, SEEK_DATA); at >= 0;
       at = lseek(fd.get(), at + 4096, SEEK_DATA)) {
    char byte = 0;
    ASSERT_EQ(pread(fd.get(), &byte, 1, at + 7), 1);
    byte = static_cast<char>(byte ^ 1);
    ASSERT_EQ(pwrite(fd.get(), &byte, 1, at + 7), 1);
    ++changed;
  }
  ASSERT_GT(changed, 0);
  ExpectDetected(JudgeStore(true));
}

TEST_F(PlantedTest, RemovedPinIsDetected) {
  for (uint64_t seed = 1; seed < 40; ++seed) {
    WorkAndKill(seed);
    PinTable pins = LoadPins(PosixFs(), store_).value();
    ASSERT_TRUE(JudgeStore().ok());  // the judge settles the pins in doubt
    if (pins.empty()) continue;
    ASSERT_TRUE(SavePins(PosixFs(), store_, {}).ok());
    ExpectDetected(JudgeStore());
    return;
  }
  FAIL() << "no worker left a pin";
}

TEST_F(PlantedTest, CampaignCountsRoundsAndContinuesAfterAFormat) {
  Campaign campaign({.program = "/proc/self/exe",
                     .store = store_,
                     .scratch = scratch_.File("scratch"),
                     .capacity_bytes = 256 << 20,
                     .seed = 77});
  ASSERT_TRUE(campaign.Format(false).ok());
  for (uint64_t round = 0; round < 6; ++round) {
    ASSERT_TRUE(campaign.KillWorkers(round).ok());
    const Status status = campaign.JudgeRound(round);
    ASSERT_TRUE(status.ok()) << status.ToString();
  }
  EXPECT_GE(campaign.tally().kills, 6u);
  EXPECT_GE(campaign.tally().judged.versions, 6u);
  ASSERT_TRUE(campaign.Format(true).ok());
  EXPECT_EQ(campaign.tally().formats, 2u);
  ASSERT_TRUE(campaign.KillWorkers(7).ok());
  stdfs::remove(store_ + "/STORE");
  EXPECT_FALSE(campaign.JudgeRound(7).ok());
}

}  // namespace
}  // namespace rawkv::torture

int main(int argc, char** argv) {
  if (rawkv::torture::IsWorker(argc, argv)) return rawkv::torture::RunWorker(argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
