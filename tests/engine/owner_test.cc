// Root works on a store of another user. Every file must still belong to that user afterwards.

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "engine/admin/inspect.h"
#include "engine/admin/repair.h"
#include "tests/engine/engine_fixture.h"

namespace rawkv {
namespace {

constexpr uid_t kOwner = 65534;

class OwnerTest : public EngineTest {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    Format();
    ChownAllToOwner();
  }

  void ChownAllToOwner() {
    ASSERT_EQ(::chown(dir_.c_str(), kOwner, kOwner), 0);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(dir_)) {
      ASSERT_EQ(::lchown(entry.path().c_str(), kOwner, kOwner), 0);
    }
  }

  void ExpectAllBelongToOwner(const char* after) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(dir_)) {
      struct stat st {};
      ASSERT_EQ(::lstat(entry.path().c_str(), &st), 0) << entry.path();
      EXPECT_EQ(st.st_uid, kOwner) << entry.path() << " after " << after;
      EXPECT_EQ(st.st_gid, kOwner) << entry.path() << " after " << after;
    }
  }
};

TEST_F(OwnerTest, FilesThatRootCreatesInAStoreBelongToItsOwner) {
  open_.settings.wal_segment_bytes = 64 * kKiB;
  Open();
  const Version target = Put("a", OneSlot(1));
  for (int i = 0; i < 80; ++i) Put("k", std::string(1000, 'v'));  // more than one segment
  ExpectAllBelongToOwner("commits");
  ASSERT_TRUE(engine_->Pin("p").ok());
  ASSERT_TRUE(engine_->Scrub({.bytes_per_second = 0}).ok());
  {
    const auto view = View(target);
    ExpectAllBelongToOwner("a snapshot, a pin, a scrub and a view");
  }
  ASSERT_TRUE(engine_->Unpin("p").ok());
  ASSERT_TRUE(engine_->Rollback(target).ok());
  ExpectAllBelongToOwner("a rollback");
  Reopen();
  ExpectAllBelongToOwner("a reopen");
  Close();
  ExpectWhole();
  ASSERT_TRUE(InspectStore(dir_, open_).ok());
  ASSERT_TRUE(VerifySnapshots(dir_, std::nullopt, open_).ok());
  ASSERT_TRUE(OfflineRollback(dir_, target, {}, open_).ok());
  ExpectAllBelongToOwner("the calls on a closed store");
}

TEST_F(OwnerTest, FilesOutsideTheStoreBelongToTheCaller) {
  Open();
  const Version version = Put("a", OneSlot(1));
  ASSERT_TRUE(engine_->Export({.version = version, .out = tmp_.File("out")}).ok());
  struct stat st {};
  ASSERT_EQ(::stat(tmp_.File("out").c_str(), &st), 0);
  EXPECT_EQ(st.st_uid, 0u);
}

}  // namespace
}  // namespace rawkv
