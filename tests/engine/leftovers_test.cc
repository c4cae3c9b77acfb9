#include <cerrno>
#include <string>
#include <vector>

#include "base/fs_ops.h"
#include "engine/admin/inspect.h"
#include "snapshot/snapshot_store.h"
#include "tests/engine/engine_fixture.h"
#include "tests/support/fault_fs.h"

// Files and directories that the operating system does not allow to delete or rename. They never stop an
// open, a prune or a rollback, and are swept once the operating system allows it.
namespace rawkv {
namespace {

using Operation = FaultFs::Operation;

class LeftoversTest : public EngineTest {
 protected:
  LeftoversTest() {
    format_.runtime.keep_recent = 9;
    open_.env.fs = &fs_;
  }

  // Makes versions 1 to 4, each with a snapshot.
  void MakeStore() {
    FormatAndOpen();
    for (uint64_t i = 1; i <= 4; ++i) {
      Put("k" + std::to_string(i), OneSlot(i));
      ASSERT_OK(engine_->CreateSnapshot());
    }
  }

  void Refuse(Status status, FaultFs::Predicate matches) {
    fs_.Arm({.status = std::move(status), .reach = FaultFs::Reach::kMatching, .matches = std::move(matches)});
  }

  // Expects that every kind of operation works and that no check reports damage.
  void ExpectWorks() {
    Reopen();
    Put("new", OneSlot(77));
    ASSERT_OK(engine_->CreateSnapshot());
    ASSERT_OK(engine_->Info());
    ASSERT_OK(engine_->Scrub());
    EXPECT_EQ(engine_->Scrub()->findings_total, 0u);
    Close();
    ExpectWhole();
    const auto verdicts = VerifySnapshots(dir_, {}, open_);
    ASSERT_OK(verdicts);
    for (const SnapshotVerdict& v : *verdicts) EXPECT_TRUE(v.errors.empty()) << v.errors.front();
    Open();
  }

  void ExpectSwept() {
    fs_.Disarm();
    Reopen();
    for (const auto& [name, attributes] : Listing())
      EXPECT_EQ(name.find(".removing"), std::string::npos) << name;
  }

  FaultFs fs_{PosixFs()};
};

TEST_F(LeftoversTest, PruneSucceedsThoughAFileCannotBeDeleted) {
  MakeStore();
  Refuse(Status::FromErrno(EPERM, "unlink"), [](const Operation& o) { return o.Is("unlink", "/MANIFEST"); });
  ASSERT_OK_AND_ASSIGN(const std::vector<Version> removed, engine_->Prune(1));
  EXPECT_EQ(removed, (std::vector<Version>{Version(0), Version(1), Version(2)}));
  EXPECT_EQ(Snapshots(), (std::vector<Version>{Version(3), Version(4)}));
  EXPECT_TRUE(logger_.Warned("Operation not permitted"));
  ExpectWorks();
  ExpectSwept();
}

TEST_F(LeftoversTest, RollbackSucceedsThoughAFileCannotBeDeleted) {
  MakeStore();
  Refuse(Status::FromErrno(EPERM, "unlink"), [](const Operation& o) { return o.Is("unlink", "/MANIFEST"); });
  ASSERT_OK(engine_->Rollback(Version(3)));
  EXPECT_FALSE(Has("k4"));
  EXPECT_EQ(Snapshots().back(), Version(3));
  ExpectWorks();
  ExpectSwept();
}

// On a network filesystem, a removed file that a process holds open gets another name. Its directory is then
// not empty and cannot be removed.
TEST_F(LeftoversTest, DirectoryThatCannotBeRemovedIsSweptLater) {
  MakeStore();
  Refuse(Status::FailedPrecondition("rmdir: Directory not empty"),
         [](const Operation& o) { return o.Is("rmdir"); });
  ASSERT_OK(engine_->Prune(1));
  ASSERT_OK(engine_->Rollback(Version(3)));
  ExpectWorks();
  ExpectSwept();
}

// A prune leaves it a whole, readable snapshot.
TEST_F(LeftoversTest, SnapshotThatCannotBeRemovedStaysReachable) {
  MakeStore();
  const std::string stays = SnapshotStore::DirName(Version(2));
  Refuse(Status::FromErrno(EPERM, "rename"), [stays](const Operation& o) {
    return o.Is("rename", ".removing") && o.path.find(stays) != std::string::npos;
  });
  ASSERT_OK_AND_ASSIGN(const std::vector<Version> removed, engine_->Prune(0));
  EXPECT_EQ(removed, (std::vector<Version>{Version(0), Version(1), Version(3)}));
  EXPECT_EQ(Snapshots(), (std::vector<Version>{Version(2), Version(4)}));
  Overwrite("k2", 5);
  EXPECT_EQ(Get("k2", Version(2)), OneSlot(2));
  EXPECT_EQ(Get("k2", Version(3)), OneSlot(2)) << "the log that continues it is kept";
  EXPECT_STATUS(engine_->DeleteSnapshot(Version(2)), StatusCode::kIoError, "not permitted");
  ExpectWorks();
  fs_.Disarm();
  ASSERT_OK(engine_->Prune(0));
  EXPECT_EQ(Snapshots().size(), 1u);
}

// No log leads from it to the tip, so that nothing but the pin held its slots.
TEST_F(LeftoversTest, SnapshotThatOutlivesItsPinCannotBePinnedAgain) {
  MakeStore();
  ASSERT_OK(engine_->Pin("held", Version(2)));
  ASSERT_OK(engine_->Prune(0));
  const std::string stays = SnapshotStore::DirName(Version(2));
  Refuse(Status::FromErrno(EPERM, "rename"), [stays](const Operation& o) {
    return o.Is("rename", ".removing") && o.path.find(stays) != std::string::npos;
  });
  for (const char* key : {"k2", "k3", "k3"}) Overwrite(key, 5);
  ASSERT_OK(engine_->CreateSnapshot());
  ASSERT_OK(engine_->Prune(0));
  ASSERT_OK(engine_->Unpin("held"));
  EXPECT_EQ(Snapshots().front(), Version(2)) << "it is removed: the test shows nothing";
  EXPECT_STATUS(engine_->Pin("again", Version(2)), StatusCode::kVersionUnreachable, "overwritten");
  ExpectWorks();
  fs_.Disarm();
  ASSERT_OK(engine_->Prune(0));
  EXPECT_EQ(Snapshots().size(), 1u);
}

// After the rollback nothing of the abandoned branch may be read, not even after a commit and a snapshot with
// the same version number.
TEST_F(LeftoversTest, SnapshotAboveTheTargetThatCannotBeRemovedIsNeverReadAgain) {
  MakeStore();
  const std::string stays = SnapshotStore::DirName(Version(4));
  Refuse(Status::FromErrno(EPERM, "rename"), [stays](const Operation& o) {
    return o.Is("rename", ".removing") && o.path.find(stays) != std::string::npos;
  });
  ASSERT_OK(engine_->Rollback(Version(3)));
  EXPECT_EQ(Snapshots().back(), Version(3));
  Reopen();
  EXPECT_FALSE(Has("k4"));
  EXPECT_EQ(Put("other", OneSlot(9)), Version(4));
  EXPECT_FALSE(engine_->CreateSnapshot().ok()) << "a snapshot of the abandoned branch has this name";
  EXPECT_EQ(Put("other", OneSlot(10)), Version(5));
  ASSERT_OK(engine_->CreateSnapshot());
  EXPECT_EQ(Snapshots().back(), Version(5));
  Reopen();
  EXPECT_FALSE(Has("k4"));
  EXPECT_FALSE(Has("k4", Version(4)));
  EXPECT_EQ(Get("other", Version(4)), OneSlot(9));
  ExpectWorks();

  fs_.Disarm();
  Reopen();
  EXPECT_FALSE(*Exists(PosixFs(), Path(stays) + "/MANIFEST")) << "not swept";
  EXPECT_FALSE(Has("k4", Version(4)));
}

// An overlay filesystem refuses such renames if the lower layer holds the store's directories.
TEST_F(LeftoversTest, PruneAndRollbackSucceedThoughDirectoriesCannotBeRenamed) {
  MakeStore();
  Refuse(Status::NotSupported("Invalid cross-device link"), [](const Operation& o) {
    return o.Is("rename", ".removing") && !o.Is("rename", "/MANIFEST.removing") &&
           o.path.find("/views/") == std::string::npos;
  });
  ASSERT_OK(engine_->Prune(1));
  EXPECT_EQ(Snapshots(), (std::vector<Version>{Version(3), Version(4)}));
  ASSERT_OK(engine_->Rollback(Version(3)));
  EXPECT_FALSE(Has("k4"));
  EXPECT_EQ(Snapshots(), std::vector<Version>{Version(3)});
  ExpectWorks();
  ExpectSwept();
}

TEST_F(LeftoversTest, OpenSucceedsThoughLeftoversCannotBeDeleted) {
  MakeStore();
  Close();
  for (const char* name : {"working.new", "working.removing", "snapshot-staging.tmp", "wal.damaged.tmp",
                           "snapshot-00000000000000000009.removing"}) {
    ASSERT_OK(PosixFs().MakeDir(Path(name)));
    ASSERT_OK(WriteFileAtomic(PosixFs(), Path(name) + "/stuck", AsBytes("x")));
  }
  Refuse(Status::FromErrno(EACCES, "unlink"), [](const Operation& o) { return o.Is("unlink", "/stuck"); });
  ASSERT_OK(RemoveTree(PosixFs(), Path("working")));  // so that the open builds working.new
  Open();
  ASSERT_OK(engine_->Rollback(Version(3)));
  ExpectWorks();
  ExpectSwept();
}

}  // namespace
}  // namespace rawkv
