// The simulated disks: which changes a power cut may lose and which it must keep (docs/fault_model.md).
#include <gtest/gtest.h>
#include <rocksdb/file_system.h>

#include "base/fs_ops.h"
#include "tests/support/sim/crash_plan.h"
#include "tests/support/sim/sim_world.h"

namespace rawkv {
namespace {

class SimWorldTest : public ::testing::Test {
 protected:
  SimWorldTest() {
    world_.disk().AddDevice("/dev", 64 << 10);
    EXPECT_TRUE(world_.fs().MakeDir("/d").ok());
    start_ = world_.disk().Image();
    world_.disk().Record(true);
  }

  CrashStates States() {
    for (TraceEvent& event : world_.disk().TakeTrace()) trace_.push_back(std::move(event));
    CrashStates states(start_);
    for (const TraceEvent& event : trace_) states.Advance(event);
    return states;
  }
  DiskImage After(Fate content, Fate entries, uint64_t block_bytes = 512, uint64_t seed = 1) {
    return Crash(States(), {content, content, entries, block_bytes, seed});
  }
  std::set<std::string> OutcomesOf(const std::string& path, uint64_t block_bytes) {
    std::set<std::string> seen;
    for (uint64_t seed = 0; seed < 300; ++seed) {
      seen.insert(Content(After(Fate::kRandom, Fate::kRandom, block_bytes, seed), path));
    }
    return seen;
  }
  static std::string Content(const DiskImage& image, const std::string& path) {
    const Result<InodeId> id = image.Find(path);
    if (!id.ok()) return "absent";
    std::string out(image.Get(*id).data.size(), '?');
    image.Get(*id).data.Read(0, AsWritableBytes(out));
    return out;
  }

  std::unique_ptr<File> Make(const std::string& path, std::string_view content) {
    Result<std::unique_ptr<File>> file = world_.fs().Open(path, OpenMode::kCreate);
    EXPECT_TRUE(file.ok());
    EXPECT_TRUE((*file)->WriteAt(0, AsBytes(content)).ok());
    return *std::move(file);
  }

  SimWorld world_{DiskImage(), 1};
  DiskImage start_;
  Trace trace_;
};

TEST_F(SimWorldTest, UnsyncedFileIsLost) {
  Make("/d/f", "content");
  EXPECT_EQ(Content(After(Fate::kLost, Fate::kLost), "/d/f"), "absent");
  EXPECT_EQ(Content(After(Fate::kLost, Fate::kKept), "/d/f"), "");
  EXPECT_EQ(Content(After(Fate::kKept, Fate::kLost), "/d/f"), "absent");
  EXPECT_EQ(Content(After(Fate::kKept, Fate::kKept), "/d/f"), "content");
}

TEST_F(SimWorldTest, SyncedFileIsLostWithoutASyncedName) {
  const auto file = Make("/d/f", "content");
  ASSERT_TRUE(file->Sync().ok());
  EXPECT_EQ(Content(After(Fate::kLost, Fate::kLost), "/d/f"), "absent");
  EXPECT_EQ(Content(After(Fate::kLost, Fate::kKept), "/d/f"), "content");
  ASSERT_TRUE(world_.fs().SyncDir("/d").ok());
  EXPECT_EQ(Content(After(Fate::kLost, Fate::kLost), "/d/f"), "content");
}

TEST_F(SimWorldTest, SyncedNameDoesNotKeepUnsyncedContent) {
  Make("/d/f", "content");
  ASSERT_TRUE(world_.fs().SyncDir("/d").ok());
  EXPECT_EQ(Content(After(Fate::kLost, Fate::kLost), "/d/f"), "");
}

TEST_F(SimWorldTest, SyncedContentOutlivesLaterUnsyncedWrites) {
  const auto file = Make("/d/f", "old");
  ASSERT_TRUE(file->Sync().ok());
  ASSERT_TRUE(world_.fs().SyncDir("/d").ok());
  ASSERT_TRUE(file->WriteAt(0, AsBytes("new")).ok());
  EXPECT_EQ(OutcomesOf("/d/f", 512), (std::set<std::string>{"old", "new"}));
}

TEST_F(SimWorldTest, SizeAndContentPersistIndependently) {
  const auto file = Make("/d/f", "");
  ASSERT_TRUE(world_.fs().SyncDir("/d").ok());
  ASSERT_TRUE(file->WriteAt(0, AsBytes("abc")).ok());
  EXPECT_EQ(OutcomesOf("/d/f", 512), (std::set<std::string>{"", "abc", std::string(3, '\0')}));
}

TEST_F(SimWorldTest, WriteTearsBetweenBlocksButNotWithinOne) {
  const auto file = Make("/d/f", std::string(8192, 'o'));
  ASSERT_TRUE(file->Sync().ok());
  ASSERT_TRUE(world_.fs().SyncDir("/d").ok());
  ASSERT_TRUE(file->WriteAt(0, AsBytes(std::string(8192, 'n'))).ok());
  EXPECT_EQ(OutcomesOf("/d/f", 4096).size(), 4u);
  const std::set<std::string> torn = OutcomesOf("/d/f", 512);
  EXPECT_GT(torn.size(), 100u);
  for (const std::string& content : torn) {
    for (size_t at = 0; at < content.size(); at += 512) {
      EXPECT_EQ(content.substr(at, 512), std::string(512, content[at]));
    }
  }
}

TEST_F(SimWorldTest, BlockKeepsOneOfItsPastContents) {
  const auto file = Make("/d/f", "....");
  ASSERT_TRUE(file->Sync().ok());
  ASSERT_TRUE(world_.fs().SyncDir("/d").ok());
  ASSERT_TRUE(file->WriteAt(0, AsBytes("A")).ok());
  ASSERT_TRUE(file->WriteAt(2, AsBytes("B")).ok());
  EXPECT_EQ(OutcomesOf("/d/f", 512), (std::set<std::string>{"....", "A...", "A.B."}));
}

TEST_F(SimWorldTest, UnsyncedZeroFillMayBeLost) {
  const auto file = Make("/d/f", std::string(512, 'a') + std::string(512, 'b'));
  ASSERT_TRUE(file->Sync().ok());
  ASSERT_TRUE(world_.fs().SyncDir("/d").ok());
  ASSERT_TRUE(file->ZeroFill(0, 1024).ok());
  EXPECT_EQ(OutcomesOf("/d/f", 512).size(), 4u);
}

TEST_F(SimWorldTest, UnsyncedTruncationMayBeLost) {
  const auto file = Make("/d/f", "abcdef");
  ASSERT_TRUE(file->Sync().ok());
  ASSERT_TRUE(world_.fs().SyncDir("/d").ok());
  ASSERT_TRUE(file->Truncate(2).ok());
  const std::set<std::string> seen = OutcomesOf("/d/f", 512);
  EXPECT_TRUE(seen.contains("abcdef"));
  EXPECT_TRUE(seen.contains("ab"));
}

TEST_F(SimWorldTest, RenameIsAtomicAndNotDurable) {
  Make("/d/old", "x")->Sync().ok();
  ASSERT_TRUE(world_.fs().SyncDir("/d").ok());
  ASSERT_TRUE(world_.fs().Rename("/d/old", "/d/new").ok());
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const DiskImage image = After(Fate::kRandom, Fate::kRandom, 512, seed);
    EXPECT_NE(image.Find("/d/old").ok(), image.Find("/d/new").ok());
  }
  EXPECT_TRUE(After(Fate::kLost, Fate::kLost).Find("/d/old").ok());
  ASSERT_TRUE(world_.fs().SyncDir("/d").ok());
  EXPECT_TRUE(After(Fate::kLost, Fate::kLost).Find("/d/new").ok());
}

TEST_F(SimWorldTest, EntriesOfOneDirectoryPersistIndependently) {
  Make("/d/a", "");
  Make("/d/b", "");
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const DiskImage image = After(Fate::kRandom, Fate::kRandom, 512, seed);
    seen.insert(std::string(image.Find("/d/a").ok() ? "a" : "") + (image.Find("/d/b").ok() ? "b" : ""));
  }
  EXPECT_EQ(seen, (std::set<std::string>{"", "a", "b", "ab"}));
}

TEST_F(SimWorldTest, RenamedDirectoryIsNeverInTwoPlaces) {
  ASSERT_TRUE(world_.fs().MakeDir("/d/a").ok());
  ASSERT_TRUE(world_.fs().SyncDir("/d").ok());
  ASSERT_TRUE(world_.fs().Rename("/d/a", "/d/b").ok());
  ASSERT_TRUE(world_.fs().Rename("/d/b", "/d/c").ok());
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const DiskImage image = After(Fate::kRandom, Fate::kRandom, 512, seed);
    EXPECT_EQ(image.Find("/d/a").ok() + image.Find("/d/b").ok() + image.Find("/d/c").ok(), 1);
  }
}

TEST_F(SimWorldTest, DirectoryWithoutADurableNameLosesItsContent) {
  ASSERT_TRUE(world_.fs().MakeDir("/d/e").ok());
  Make("/d/e/f", "x")->Sync().ok();
  ASSERT_TRUE(world_.fs().SyncDir("/d/e").ok());
  EXPECT_FALSE(After(Fate::kLost, Fate::kLost).Find("/d/e").ok());
  ASSERT_TRUE(world_.fs().SyncDir("/d").ok());
  EXPECT_EQ(Content(After(Fate::kLost, Fate::kLost), "/d/e/f"), "x");
}

TEST_F(SimWorldTest, LinksShareOneInode) {
  const auto file = Make("/d/a", "old");
  ASSERT_TRUE(world_.fs().Link("/d/a", "/d/b").ok());
  ASSERT_TRUE(file->WriteAt(0, AsBytes("new")).ok());
  ASSERT_TRUE(file->Sync().ok());
  ASSERT_TRUE(world_.fs().RemoveFile("/d/a").ok());
  ASSERT_TRUE(world_.fs().SyncDir("/d").ok());
  const DiskImage image = After(Fate::kLost, Fate::kLost);
  EXPECT_FALSE(image.Find("/d/a").ok());
  EXPECT_EQ(Content(image, "/d/b"), "new");
}

TEST_F(SimWorldTest, SymlinkNeedsItsDirectorySynced) {
  ASSERT_TRUE(world_.fs().Symlink("f", "/d/l").ok());
  EXPECT_FALSE(After(Fate::kKept, Fate::kLost).Find("/d/l").ok());
  ASSERT_TRUE(world_.fs().SyncDir("/d").ok());
  const DiskImage image = After(Fate::kLost, Fate::kLost);
  EXPECT_EQ(image.Get(*image.Find("/d/l")).target, "f");
}

TEST_F(SimWorldTest, DeviceKeepsOnlyFlushedWrites) {
  Result<OpenedDevice> device = world_.env().open_device("/dev", {});
  ASSERT_TRUE(device.ok());
  AlignedBuffer block(4096);
  const auto write = [&](char c, uint64_t offset) {
    std::fill(block.bytes().begin(), block.bytes().end(), static_cast<std::byte>(c));
    ASSERT_TRUE(device->device->Write(DeviceOffset(offset), block.bytes()).ok());
  };
  const auto at = [&](const DiskImage& image, uint64_t offset) {
    std::byte byte{};
    image.devices().at("/dev").Read(offset, {&byte, 1});
    return static_cast<char>(byte);
  };
  write('a', 0);
  ASSERT_TRUE(device->device->Flush().ok());
  write('b', 0);
  write('c', 4096);
  EXPECT_EQ(at(After(Fate::kLost, Fate::kKept), 0), 'a');
  EXPECT_EQ(at(After(Fate::kLost, Fate::kKept), 4096), '\0');
  EXPECT_EQ(at(After(Fate::kNewestOnly, Fate::kKept), 0), 'a');  // later before earlier
  EXPECT_EQ(at(After(Fate::kNewestOnly, Fate::kKept), 4096), 'c');
  ASSERT_TRUE(device->device->Flush().ok());
  EXPECT_EQ(at(After(Fate::kLost, Fate::kLost), 0), 'b');
}

TEST_F(SimWorldTest, OmittedSyncDoesNothing) {
  world_.disk().OmitSyncs([](const TraceEvent& event) { return event.path == "/d/f"; });
  const auto file = Make("/d/f", "content");
  ASSERT_TRUE(file->Sync().ok());
  ASSERT_TRUE(world_.fs().SyncDir("/d").ok());
  EXPECT_EQ(Content(After(Fate::kLost, Fate::kLost), "/d/f"), "");
}

TEST_F(SimWorldTest, RocksdbSeesTheSameFiles) {
  rocksdb::FileSystem& index_fs = *world_.env().index_fs;
  std::unique_ptr<rocksdb::FSWritableFile> file;
  ASSERT_TRUE(index_fs.NewWritableFile("/d/1.sst", {}, &file, nullptr).ok());
  ASSERT_TRUE(file->Append("table", {}, nullptr).ok());
  EXPECT_EQ(*ReadFile(world_.fs(), "/d/1.sst", 100), "table");
  ASSERT_TRUE(world_.fs().Link("/d/1.sst", "/d/2.sst").ok());
  EXPECT_EQ(Content(After(Fate::kLost, Fate::kKept), "/d/2.sst"), "");
  ASSERT_TRUE(file->RangeSync(0, 5, {}, nullptr).ok());  // promises nothing
  EXPECT_EQ(Content(After(Fate::kLost, Fate::kKept), "/d/2.sst"), "");
  ASSERT_TRUE(file->Sync({}, nullptr).ok());
  EXPECT_EQ(Content(After(Fate::kLost, Fate::kKept), "/d/2.sst"), "table");
}

TEST_F(SimWorldTest, KilledProcessChangesNothingMoreAndItsWritesStayCached) {
  const auto file = Make("/d/f", "");
  world_.disk().DieAfter(1);
  EXPECT_TRUE(file->WriteAt(0, AsBytes("one")).ok());
  EXPECT_FALSE(file->WriteAt(3, AsBytes("two")).ok());
  EXPECT_FALSE(world_.fs().MakeDir("/d/e").ok());
  world_.Restart();
  EXPECT_FALSE(file->WriteAt(3, AsBytes("two")).ok());
  EXPECT_EQ(*ReadFile(world_.fs(), "/d/f", 10), "one");
  EXPECT_EQ(Content(After(Fate::kLost, Fate::kKept), "/d/f"), "");
}

TEST_F(SimWorldTest, EqualContentHasEqualHashes) {
  Make("/d/f", std::string(10'000, 'x'));
  const DiskImage image = world_.disk().Image();
  EXPECT_NE(image.Hash(), start_.Hash());
  EXPECT_EQ(image.Hash(), After(Fate::kKept, Fate::kKept).Hash());
  ASSERT_TRUE(world_.fs().RemoveFile("/d/f").ok());
  EXPECT_EQ(world_.disk().Image().Hash(), start_.Hash());
}

}  // namespace
}  // namespace rawkv
