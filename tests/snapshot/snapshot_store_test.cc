#include "snapshot/snapshot_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/sealed_file.h"
#include "tests/snapshot/fake_index.h"
#include "tests/support/expect_status.h"
#include "tests/support/fault_fs.h"
#include "tests/support/recording_logger.h"
#include "tests/support/temp_dir.h"

namespace rawkv {
namespace {

class SnapshotStoreTest : public testing::Test {
 protected:
  Result<Version> Publish(const FakeIndex& index) { return store_.Publish(index.Callbacks(fs_)); }

  void PublishCurrent(uint64_t version) {
    ASSERT_TRUE(Publish(FakeIndex(Version(version))).ok());
    ASSERT_TRUE(store_.SetCurrent(Version(version)).ok());
  }

  std::vector<uint64_t> Listed() {
    damaged_.clear();
    std::vector<uint64_t> versions;
    const auto infos = store_.List(&damaged_);
    EXPECT_OK(infos);
    for (const SnapshotInfo& info : *infos) versions.push_back(info.version.value());
    return versions;
  }

  std::string Content(const std::string& path) { return *ReadFile(fs_, path, 1 << 20); }

  void Overwrite(const std::string& path, const std::string& content) {
    ASSERT_TRUE(fs_.RemoveFile(path).ok());
    ASSERT_TRUE(WriteNew(fs_, path, content).ok());
  }

  static ino_t Inode(const std::string& path) {
    struct stat st {};
    EXPECT_EQ(::lstat(path.c_str(), &st), 0) << path;
    return st.st_ino;
  }

  TempDir dir_;
  Fs& fs_ = PosixFs();
  FixedClock clock_;
  SnapshotStore store_{fs_, clock_, dir_.path(), kStoreUuid};
  std::vector<std::string> damaged_;
};

TEST_F(SnapshotStoreTest, NamesHaveTwentyDigitsAndNothingElse) {
  EXPECT_EQ(SnapshotStore::DirName(Version(42)), "snapshot-00000000000000000042");
  for (const uint64_t version : {uint64_t{0}, uint64_t{42}, ~uint64_t{0}}) {
    EXPECT_EQ(SnapshotStore::ParseDirName(SnapshotStore::DirName(Version(version))), Version(version));
  }
  for (const char* name :
       {"", "snapshot-", "snapshot-42", "snapshot-0000000000000000004", "snapshot-000000000000000000042",
        "snapshot-18446744073709551616", "snapshot-99999999999999999999", "snapshot-0000000000000000004x",
        "snapshot- 0000000000000000042", "snapshot-+0000000000000000042", "Snapshot-00000000000000000042",
        "snapshot-00000000000000000042/", "snapshot-00000000000000000042.tmp",
        "./snapshot-00000000000000000042"}) {
    EXPECT_EQ(SnapshotStore::ParseDirName(name), std::nullopt) << name;
  }
}

TEST_F(SnapshotStoreTest, PublishesUnderTheVersionThatTheIndexContains) {
  ASSERT_OK_AND_ASSIGN(const Version version, Publish(FakeIndex(Version(7))));
  EXPECT_EQ(version, Version(7));
  EXPECT_EQ(Content(store_.IndexPathOf(Version(7)) + "/000012.sst"), "table of 7");

  ASSERT_OK_AND_ASSIGN(const Manifest manifest, store_.ReadManifest(Version(7)));
  EXPECT_EQ(manifest.store_uuid, kStoreUuid);
  EXPECT_EQ(manifest.lineage, kLineage);
  EXPECT_EQ(manifest.created_unix_ms, clock_.NowUnixMs());
  ASSERT_EQ(manifest.files.size(), 3u);
  EXPECT_EQ(manifest.files[0].path, "index/000007.sst");
  EXPECT_EQ(manifest.files[1].path, "index/000012.sst");
  EXPECT_EQ(manifest.files[2].path, "index/FACTS");
  EXPECT_TRUE(store_.CheckFiles(Version(7), OneBranch()).ok());
  EXPECT_EQ(*fs_.List(dir_.path()), std::vector<std::string>{SnapshotStore::DirName(Version(7))});
}

TEST_F(SnapshotStoreTest, ListsSnapshotsAndMarksCurrent) {
  PublishCurrent(3);
  ASSERT_TRUE(Publish(FakeIndex(Version(12))).ok());
  const auto infos = store_.List();
  ASSERT_EQ(infos->size(), 2u);
  EXPECT_TRUE((*infos)[0].current);
  EXPECT_FALSE((*infos)[1].current);
  EXPECT_EQ((*infos)[1].version, Version(12));
  EXPECT_EQ((*infos)[1].lineage, kLineage);
  EXPECT_EQ((*infos)[1].file_count, 3u);
  EXPECT_EQ((*infos)[1].total_bytes, std::string("12table of 12shared table").size());
}

TEST_F(SnapshotStoreTest, FilesLeftByTheInspectionAreNotPublished) {
  FakeIndex index(Version(7));
  index.litter = true;
  ASSERT_TRUE(Publish(index).ok());
  EXPECT_EQ(*fs_.List(store_.IndexPathOf(Version(7))),
            (std::vector<std::string>{"000007.sst", "000012.sst", "FACTS"}));
}

// S3, checked by the inode: an equal snapshot does not replace it, either.
TEST_F(SnapshotStoreTest, RepublishKeepsTheSameDirectory) {
  PublishCurrent(7);
  const ino_t dir = Inode(store_.PathOf(Version(7)));
  const ino_t table = Inode(store_.IndexPathOf(Version(7)) + "/000012.sst");
  FakeIndex again(Version(7));
  again.salt = " again";
  EXPECT_EQ(*Publish(again), Version(7));
  EXPECT_EQ(Inode(store_.PathOf(Version(7))), dir);
  EXPECT_EQ(Inode(store_.IndexPathOf(Version(7)) + "/000012.sst"), table);
  EXPECT_EQ(Content(store_.IndexPathOf(Version(7)) + "/000012.sst"), "table of 7");
  EXPECT_FALSE(*Exists(fs_, dir_.File("snapshot-staging.tmp")));
}

TEST_F(SnapshotStoreTest, DamagedSnapshotIsReplacedUnlessItIsCurrent) {
  PublishCurrent(3);
  ASSERT_TRUE(Publish(FakeIndex(Version(7))).ok());
  const std::string table = store_.IndexPathOf(Version(7)) + "/000012.sst";
  Overwrite(table, "cut");
  EXPECT_EQ(*Publish(FakeIndex(Version(7))), Version(7));
  EXPECT_EQ(Content(table), "table of 7");
  EXPECT_EQ(fs_.List(dir_.path())->size(), 3u);  // the damaged snapshot is deleted

  ASSERT_TRUE(store_.SetCurrent(Version(7)).ok());
  Overwrite(table, "cut");
  EXPECT_EQ(Publish(FakeIndex(Version(7))).status().code(), StatusCode::kCorruption);
  EXPECT_EQ(Content(table), "cut");
  EXPECT_FALSE(*Exists(fs_, dir_.File("snapshot-staging.tmp")));
}

TEST_F(SnapshotStoreTest, DamagedSnapshotIsReplacedWhileCurrentIsDangling) {
  ASSERT_TRUE(Publish(FakeIndex(Version(7))).ok());
  ASSERT_TRUE(fs_.Symlink("elsewhere", dir_.File("current")).ok());
  const std::string table = store_.IndexPathOf(Version(7)) + "/000012.sst";
  Overwrite(table, "cut");
  EXPECT_EQ(*Publish(FakeIndex(Version(7))), Version(7));
  EXPECT_EQ(Content(table), "table of 7");
}

TEST_F(SnapshotStoreTest, SnapshotOfANewerFormatIsNotReplaced) {
  ASSERT_TRUE(Publish(FakeIndex(Version(7))).ok());
  const std::string path = store_.PathOf(Version(7)) + "/MANIFEST";
  const std::string newer =
      Seal({.magic = "RKVMANIF", .format = kSnapshotFormat + 1, .name = "MANIFEST"}, "x");
  Overwrite(path, newer);
  EXPECT_EQ(Publish(FakeIndex(Version(7))).status().code(), StatusCode::kNotSupported);
  EXPECT_EQ(Content(path), newer);
}

TEST_F(SnapshotStoreTest, OtherKindsOfFilesAreReplacedAndNotFollowed) {
  PublishCurrent(3);
  TempDir elsewhere;
  ASSERT_TRUE(WriteNew(fs_, elsewhere.File("precious"), "keep").ok());
  ASSERT_TRUE(fs_.Symlink(elsewhere.path(), store_.PathOf(Version(7))).ok());
  ASSERT_TRUE(WriteNew(fs_, store_.PathOf(Version(8)), "a file").ok());
  EXPECT_EQ(Listed(), std::vector<uint64_t>{3});
  EXPECT_EQ(damaged_.size(), 2u);
  EXPECT_TRUE(Publish(FakeIndex(Version(7))).ok());
  EXPECT_TRUE(Publish(FakeIndex(Version(8))).ok());
  EXPECT_EQ(Listed(), (std::vector<uint64_t>{3, 7, 8}));
  EXPECT_EQ(Content(elsewhere.File("precious")), "keep");
}

TEST_F(SnapshotStoreTest, ErrorsOfTheOwnerLeaveNothing) {
  const FakeIndex index(Version(7));
  SnapshotCallbacks broken = index.Callbacks(fs_);
  broken.fill = [](const std::string&) -> Result<std::vector<ManifestFile>> {
    return Status::NoSpace("full");
  };
  EXPECT_EQ(store_.Publish(broken).status().code(), StatusCode::kNoSpace);
  broken = index.Callbacks(fs_);
  broken.inspect = [](const std::string&) -> Result<SnapshotFacts> { return Status::Corruption("no index"); };
  EXPECT_EQ(store_.Publish(broken).status().code(), StatusCode::kCorruption);
  EXPECT_TRUE(fs_.List(dir_.path())->empty());
}

TEST_F(SnapshotStoreTest, ListThatDoesNotMatchTheDirectoryIsNotPublished) {
  const FakeIndex index(Version(7));
  const auto with = [&](const std::function<void(std::vector<ManifestFile>&)>& change) {
    SnapshotCallbacks callbacks = index.Callbacks(fs_);
    callbacks.fill = [&, fill = callbacks.fill](const std::string& dir) -> Result<std::vector<ManifestFile>> {
      RAWKV_ASSIGN_OR_RETURN(std::vector<ManifestFile> files, fill(dir));
      change(files);
      return files;
    };
    return store_.Publish(callbacks).status().code();
  };
  EXPECT_EQ(with([](auto& files) { files[0].size_bytes += 1; }), StatusCode::kCorruption);
  EXPECT_EQ(with([](auto& files) { files[0].path = "absent"; }), StatusCode::kCorruption);
  EXPECT_EQ(with([](auto& files) { files[0].checksum = "short"; }), StatusCode::kInternal);
  EXPECT_EQ(with([](auto& files) { files.push_back(files[0]); }), StatusCode::kInternal);
  EXPECT_TRUE(fs_.List(dir_.path())->empty());
}

TEST_F(SnapshotStoreTest, LeftoverStagingDoesNotBlockPublish) {
  ASSERT_TRUE(fs_.MakeDir(dir_.File("snapshot-staging.tmp")).ok());
  ASSERT_TRUE(WriteNew(fs_, dir_.File("snapshot-staging.tmp/old"), "old").ok());
  EXPECT_TRUE(Publish(FakeIndex(Version(7))).ok());
  EXPECT_FALSE(*Exists(fs_, store_.PathOf(Version(7)) + "/old"));
}

TEST_F(SnapshotStoreTest, CurrentIsALinkToABareSnapshotName) {
  EXPECT_EQ(store_.Current().status().code(), StatusCode::kNotFound);
  PublishCurrent(7);
  EXPECT_EQ(*fs_.ReadLink(dir_.File("current")), "snapshot-00000000000000000007");
  EXPECT_EQ(*store_.Current(), Version(7));
  for (const std::string& target : {std::string("elsewhere"), dir_.File(SnapshotStore::DirName(Version(7))),
                                    std::string("../snapshot-00000000000000000007")}) {
    ASSERT_TRUE(fs_.RemoveFile(dir_.File("current")).ok());
    ASSERT_TRUE(fs_.Symlink(target, dir_.File("current")).ok());
    EXPECT_EQ(store_.Current().status().code(), StatusCode::kCorruption) << target;
  }
  Overwrite(dir_.File("current"), "snapshot-00000000000000000007");
  EXPECT_EQ(store_.Current().status().code(), StatusCode::kCorruption);
  EXPECT_FALSE(store_.List()->front().current);
}

TEST_F(SnapshotStoreTest, SetCurrentNeedsAWholePublishedSnapshot) {
  PublishCurrent(3);
  EXPECT_EQ(store_.SetCurrent(Version(7)).code(), StatusCode::kFailedPrecondition);
  ASSERT_TRUE(Publish(FakeIndex(Version(7))).ok());
  ASSERT_TRUE(fs_.RemoveFile(store_.IndexPathOf(Version(7)) + "/FACTS").ok());
  EXPECT_EQ(store_.SetCurrent(Version(7)).code(), StatusCode::kCorruption);
  EXPECT_EQ(*store_.Current(), Version(3));
}

TEST_F(SnapshotStoreTest, SetCurrentReplacesAForeignLinkAndALeftover) {
  ASSERT_TRUE(Publish(FakeIndex(Version(7))).ok());
  ASSERT_TRUE(fs_.Symlink("elsewhere", dir_.File("current")).ok());
  ASSERT_TRUE(fs_.Symlink("elsewhere", dir_.File("current.tmp")).ok());
  EXPECT_TRUE(store_.SetCurrent(Version(7)).ok());
  EXPECT_EQ(*store_.Current(), Version(7));
  EXPECT_FALSE(*Exists(fs_, dir_.File("current.tmp")));
}

TEST_F(SnapshotStoreTest, RemovesAllButCurrent) {
  PublishCurrent(3);
  PublishCurrent(7);
  EXPECT_EQ(store_.Remove(Version(7)).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(store_.Remove(Version(5)).code(), StatusCode::kNotFound);
  EXPECT_TRUE(store_.Remove(Version(3)).ok());
  EXPECT_EQ(Listed(), std::vector<uint64_t>{7});
  EXPECT_EQ(fs_.List(dir_.path())->size(), 2u);
}

TEST_F(SnapshotStoreTest, NothingIsRemovedWhileCurrentCannotBeRead) {
  PublishCurrent(3);
  Overwrite(dir_.File("current"), "no link");
  EXPECT_EQ(store_.Remove(Version(3)).code(), StatusCode::kCorruption);
  EXPECT_EQ(Listed(), std::vector<uint64_t>{3});
}

TEST_F(SnapshotStoreTest, MarkedSnapshotIsHiddenAndSweptLater) {
  PublishCurrent(3);
  PublishCurrent(7);
  ASSERT_TRUE(fs_.MakeDir(store_.PathOf(Version(3)) + ".removing").ok());
  ASSERT_TRUE(WriteNew(fs_, store_.PathOf(Version(3)) + ".removing/old", "leftover").ok());
  EXPECT_TRUE(store_.MarkRemoved(Version(3)).ok());
  EXPECT_EQ(Listed(), std::vector<uint64_t>{7});
  EXPECT_FALSE(*Exists(fs_, store_.PathOf(Version(3)) + ".removing/old"));
  EXPECT_TRUE(*Exists(fs_, store_.PathOf(Version(3)) + ".removing/MANIFEST"));
  EXPECT_TRUE(store_.Sweep().ok());
  EXPECT_FALSE(*Exists(fs_, store_.PathOf(Version(3)) + ".removing"));
}

TEST_F(SnapshotStoreTest, UndeletableFilesAreLeftToALaterSweep) {
  PublishCurrent(3);
  PublishCurrent(7);
  FaultFs faulty(fs_);
  RecordingLogger logger;
  SnapshotStore store(faulty, clock_, dir_.path(), kStoreUuid, logger);
  const auto refuse = [&] {
    faulty.Arm({.status = Status::FromErrno(EPERM, "unlink"),
                .reach = FaultFs::Reach::kMatching,
                .matches = [](const FaultFs::Operation& o) { return o.Is("unlink", "/MANIFEST"); }});
  };
  refuse();
  ASSERT_TRUE(store.Remove(Version(3)).ok());
  EXPECT_NE(logger.text().find("Operation not permitted"), std::string::npos) << logger.text();
  EXPECT_EQ(Listed(), std::vector<uint64_t>{7});
  EXPECT_TRUE(damaged_.empty());
  const std::string removing = store_.PathOf(Version(3)) + ".removing";
  EXPECT_TRUE(*Exists(fs_, removing + "/MANIFEST"));
  EXPECT_FALSE(*Exists(fs_, removing + "/index")) << "the sweep deletes all other files";

  ASSERT_TRUE(store.Sweep().ok());
  ASSERT_TRUE(Publish(FakeIndex(Version(3))).ok());
  ASSERT_TRUE(store.Remove(Version(3)).ok()) << "an earlier removed snapshot has this name";
  EXPECT_EQ(Listed(), std::vector<uint64_t>{7});
  faulty.Disarm();
  ASSERT_TRUE(store.Sweep().ok());
  EXPECT_EQ(fs_.List(dir_.path())->size(), 2u);
}

TEST_F(SnapshotStoreTest, DirectoryThatCannotBeRenamedIsMarkedInPlace) {
  PublishCurrent(3);
  PublishCurrent(7);
  FaultFs faulty(fs_);
  SnapshotStore store(faulty, clock_, dir_.path(), kStoreUuid);
  faulty.Arm({.status = Status::NotSupported("Invalid cross-device link"),
              .reach = FaultFs::Reach::kMatching,
              .matches = [](const FaultFs::Operation& o) {
                return o.Is("rename", ".removing") && !o.Is("rename", "/MANIFEST.removing");
              }});
  ASSERT_TRUE(store.MarkRemoved(Version(3)).ok());
  EXPECT_EQ(Listed(), std::vector<uint64_t>{7});
  EXPECT_TRUE(damaged_.empty()) << "a removed snapshot does not count as damaged";
  EXPECT_EQ(store.ReadManifest(Version(3)).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(store.SetCurrent(Version(3)).code(), StatusCode::kFailedPrecondition);
  ASSERT_TRUE(store.MarkRemoved(Version(3)).ok()) << "the call is idempotent";

  const FakeIndex again(Version(3));
  ASSERT_TRUE(store.Publish(again.Callbacks(faulty)).ok()) << "its name is free again";
  EXPECT_EQ(Listed(), (std::vector<uint64_t>{3, 7}));
  ASSERT_TRUE(store.MarkRemoved(Version(3)).ok());
  ASSERT_TRUE(store.Sweep().ok());
  EXPECT_EQ(fs_.List(dir_.path())->size(), 2u);
}

TEST_F(SnapshotStoreTest, SnapshotThatCanNeitherBeRenamedNorMarkedStays) {
  PublishCurrent(3);
  PublishCurrent(7);
  FaultFs faulty(fs_);
  SnapshotStore store(faulty, clock_, dir_.path(), kStoreUuid);
  faulty.Arm({.status = Status::FromErrno(EPERM, "rename"),
              .reach = FaultFs::Reach::kMatching,
              .matches = [](const FaultFs::Operation& o) { return o.Is("rename", ".removing"); }});
  EXPECT_TRUE(store.Remove(Version(3)).refused());
  EXPECT_EQ(Listed(), (std::vector<uint64_t>{3, 7}));
}

// A rollback may leave a snapshot that it cannot remove. That one must not count as the snapshot of the new
// branch.
TEST_F(SnapshotStoreTest, SnapshotOfAnAbandonedBranchIsReplaced) {
  PublishCurrent(3);
  FakeIndex old(Version(7));
  old.lineage = Lineage(99);
  ASSERT_TRUE(Publish(old).ok());
  ASSERT_TRUE(Publish(FakeIndex(Version(7))).ok());
  EXPECT_EQ(store_.ReadManifest(Version(7))->lineage, kLineage);
  EXPECT_EQ(fs_.List(dir_.path())->size(), 3u);
}

TEST_F(SnapshotStoreTest, RemovalUnlinksSymlinksAndNeverFollowsThem) {
  PublishCurrent(3);
  PublishCurrent(7);
  TempDir elsewhere;
  ASSERT_TRUE(WriteNew(fs_, elsewhere.File("precious"), "keep").ok());
  ASSERT_TRUE(fs_.Symlink(elsewhere.path(), store_.PathOf(Version(3)) + "/link").ok());
  ASSERT_TRUE(fs_.Symlink(elsewhere.File("precious"), store_.IndexPathOf(Version(3)) + "/file_link").ok());
  EXPECT_TRUE(store_.Remove(Version(3)).ok());
  ASSERT_TRUE(fs_.Symlink(elsewhere.path(), dir_.File("snapshot-staging.tmp")).ok());
  ASSERT_TRUE(fs_.Symlink(elsewhere.path(), store_.PathOf(Version(3)) + ".removing").ok());
  EXPECT_TRUE(store_.Sweep().ok());
  EXPECT_EQ(Listed(), std::vector<uint64_t>{7});
  EXPECT_EQ(fs_.List(dir_.path())->size(), 2u);
  EXPECT_EQ(Content(elsewhere.File("precious")), "keep");
}

TEST_F(SnapshotStoreTest, SweepIgnoresForeignNames) {
  PublishCurrent(7);
  const std::vector<std::string> ours = {"current.tmp",
                                         "snapshot-staging.tmp",
                                         "snapshot-00000000000000000003.tmp",
                                         "snapshot-00000000000000000003.removing",
                                         "snapshot-00000000000000000003.0.removing",
                                         "snapshot-00000000000000000003.17.removing"};
  const std::vector<std::string> foreign = {"STORE.tmp",
                                            "snapshot-mine.tmp",
                                            "snapshot-3.removing",
                                            "snapshot-00000000000000000003.removing.bak",
                                            "snapshot-00000000000000000003..removing",
                                            "snapshot-00000000000000000003.x.removing",
                                            "snapshot-00000000000000000003removing",
                                            "my-snapshot-00000000000000000003.removing",
                                            "current.tmp2",
                                            "working.new",
                                            "notes.txt"};
  for (const auto* names : {&ours, &foreign}) {
    for (const std::string& name : *names) {
      ASSERT_TRUE(fs_.MakeDir(dir_.File(name)).ok());
      ASSERT_TRUE(WriteNew(fs_, dir_.File(name) + "/x", "x").ok());
    }
  }
  EXPECT_TRUE(store_.Sweep().ok());
  for (const std::string& name : ours) EXPECT_FALSE(*Exists(fs_, dir_.File(name))) << name;
  for (const std::string& name : foreign) EXPECT_TRUE(*Exists(fs_, dir_.File(name) + "/x")) << name;
  EXPECT_EQ(Listed(), std::vector<uint64_t>{7});
}

TEST_F(SnapshotStoreTest, ListNamesDamagedSnapshots) {
  PublishCurrent(2);
  ASSERT_TRUE(Publish(FakeIndex(Version(5))).ok());
  // MANIFEST of another version, of another store, damaged, and missing.
  ASSERT_TRUE(fs_.Rename(store_.PathOf(Version(5)), store_.PathOf(Version(6))).ok());
  SnapshotStore foreign(fs_, clock_, dir_.path(), *Uuid::Parse("ffffffff-4455-4677-8899-aabbccddeeff"));
  const FakeIndex index(Version(8));
  ASSERT_TRUE(foreign.Publish(index.Callbacks(fs_)).ok());
  ASSERT_TRUE(Publish(FakeIndex(Version(9))).ok());
  Overwrite(store_.PathOf(Version(9)) + "/MANIFEST", "nonsense");
  ASSERT_TRUE(fs_.MakeDir(store_.PathOf(Version(10))).ok());
  ASSERT_TRUE(WriteNew(fs_, store_.PathOf(Version(10)) + "/x", "x").ok());
  ASSERT_TRUE(fs_.MakeDir(store_.PathOf(Version(12))).ok());  // empty, as an interrupted removal leaves it
  EXPECT_EQ(Listed(), std::vector<uint64_t>{2});
  EXPECT_EQ(damaged_, (std::vector<std::string>{
                          SnapshotStore::DirName(Version(6)), SnapshotStore::DirName(Version(8)),
                          SnapshotStore::DirName(Version(9)), SnapshotStore::DirName(Version(10))}));
  EXPECT_EQ(store_.ReadManifest(Version(10)).status().code(), StatusCode::kCorruption);
  EXPECT_EQ(store_.ReadManifest(Version(11)).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(store_.ReadManifest(Version(12)).status().code(), StatusCode::kNotFound);
}

TEST_F(SnapshotStoreTest, SnapshotMovedAsideKeepsItsFilesAndIsNotSwept) {
  PublishCurrent(5);
  EXPECT_EQ(store_.MoveAside(Version(5)).status().code(), StatusCode::kFailedPrecondition);
  PublishCurrent(7);
  const std::string facts = Content(store_.IndexPathOf(Version(5)) + "/FACTS");
  ASSERT_OK_AND_ASSIGN(const std::string aside, store_.MoveAside(Version(5)));
  EXPECT_EQ(aside, store_.PathOf(Version(5)) + ".damaged");
  EXPECT_EQ(Listed(), std::vector<uint64_t>{7});
  EXPECT_TRUE(damaged_.empty());
  ASSERT_TRUE(store_.Sweep().ok());
  EXPECT_EQ(Content(aside + "/index/FACTS"), facts);

  ASSERT_TRUE(Publish(FakeIndex(Version(5))).ok()) << "its name is free again";
  EXPECT_EQ(*store_.MoveAside(Version(5)), store_.PathOf(Version(5)) + ".damaged.1");
  EXPECT_EQ(Content(aside + "/index/FACTS"), facts);
}

TEST_F(SnapshotStoreTest, RemovedCurrentIsNotFound) {
  PublishCurrent(5);
  ASSERT_TRUE(store_.RemoveCurrent().ok());
  EXPECT_EQ(store_.Current().status().code(), StatusCode::kNotFound);
  EXPECT_TRUE(store_.RemoveCurrent().ok()) << "the call is idempotent";
  EXPECT_TRUE(store_.MoveAside(Version(5)).ok());
}

}  // namespace
}  // namespace rawkv
