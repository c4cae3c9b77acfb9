#include "snapshot/leases.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/byte_codec.h"
#include "base/entropy.h"
#include "base/fs_ops.h"
#include "base/sealed_file.h"
#include "base/sha256.h"
#include "tests/snapshot/fake_index.h"
#include "tests/support/damage.h"
#include "tests/support/expect_status.h"
#include "tests/support/temp_dir.h"

namespace rawkv {
namespace {

class LeasesTest : public testing::Test {
 protected:
  std::unique_ptr<Lease> Create(uint64_t version = 9, uint64_t base = 7) {
    auto lease = Lease::Create(fs_, clock_, dir_.path(), Uuid::Generate(SystemEntropy()), Version(version),
                               Version(base));
    EXPECT_OK(lease);
    return lease.ok() ? std::move(lease).value() : nullptr;
  }
  std::vector<LeaseInfo> Held() {
    const auto leases = ListHeldLeases(fs_, dir_.path());
    EXPECT_OK(leases);
    return leases.ok() ? *leases : std::vector<LeaseInfo>();
  }
  std::vector<std::string> Views() { return *fs_.List(dir_.File("views")); }
  std::string NewName() { return dir_.File("views/" + Uuid::Generate(SystemEntropy()).ToString()); }
  // Makes a view of a dead reader: nobody holds its lock.
  std::string Abandoned() {
    const std::unique_ptr<Lease> lease = Create();
    return lease->dir();
  }
  void Overwrite(const std::string& path, const std::string& content) {
    // Writes in place, since the lock is on the inode.
    const auto file = *fs_.Open(path, OpenMode::kReadWrite);
    ASSERT_TRUE(file->Truncate(0).ok());
    ASSERT_TRUE(file->WriteAt(0, AsBytes(content)).ok());
  }

  TempDir dir_;
  Fs& fs_ = PosixFs();
  FixedClock clock_;
};

// The worked example of docs/formats/lease.md.
TEST_F(LeasesTest, GoldenBytes) {
  const auto lease = Lease::Create(fs_, clock_, dir_.path(), kStoreUuid, Version(9), Version(7));
  ASSERT_TRUE(lease.ok());
  EXPECT_EQ((*lease)->dir(), dir_.File("views/00112233-4455-4677-8899-aabbccddeeff"));
  EXPECT_EQ(ToHex(AsBytes(*ReadFile(fs_, (*lease)->dir() + "/LEASE", 1000))),
            "524b564c45415345"                  // magic
            "01000000"                          // format
            "2c000000"                          // payload length
            "fa01bf653b78b552"                  // checksum
            "00000000"                          // flags
            "00112233445546778899aabbccddeeff"  // id
            "0900000000000000"                  // version
            "0700000000000000"                  // base
            "0068e5cf8b010000");                // created_unix_ms
}

TEST_F(LeasesTest, HeldLeaseIsListedAndSurvivesASweep) {
  EXPECT_TRUE(Held().empty());  // no views/ yet
  EXPECT_TRUE(SweepViews(fs_, dir_.path()).ok());
  const auto lease = Create(9, 7);
  EXPECT_EQ(lease->version(), Version(9));
  EXPECT_EQ(lease->base(), Version(7));
  ASSERT_TRUE(WriteNew(fs_, lease->dir() + "/index", "clone").ok());
  EXPECT_TRUE(SweepViews(fs_, dir_.path()).ok());
  const auto held = Held();
  ASSERT_EQ(held.size(), 1u);
  EXPECT_EQ(held[0].dir, lease->dir());
  EXPECT_EQ(held[0].version, Version(9));
  EXPECT_EQ(held[0].base, Version(7));
  EXPECT_EQ(held[0].created_unix_ms, clock_.NowUnixMs());
  EXPECT_TRUE(*Exists(fs_, lease->dir() + "/index"));
}

TEST_F(LeasesTest, DirectoriesArePrivate) {
  const auto lease = Create();
  for (const std::string& path : {dir_.File("views"), lease->dir()}) {
    struct stat st {};
    ASSERT_EQ(::stat(path.c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 0777u, 0700u) << path;
  }
}

TEST_F(LeasesTest, ViewOfADeadReaderIsSweptAndNotListed) {
  const std::string dir = Abandoned();
  const auto alive = Create();
  ASSERT_TRUE(fs_.MakeDir(dir + "/index").ok());
  ASSERT_TRUE(WriteNew(fs_, dir + "/index/000001.sst", "clone").ok());
  EXPECT_EQ(Held().size(), 1u);
  EXPECT_TRUE(*Exists(fs_, dir));  // a listing changes nothing
  EXPECT_TRUE(SweepViews(fs_, dir_.path()).ok());
  EXPECT_EQ(Views(), std::vector<std::string>{alive->dir().substr(alive->dir().rfind('/') + 1)});
}

TEST_F(LeasesTest, RemoveDeletesTheViewAndMayBeRepeated) {
  const auto lease = Create();
  ASSERT_TRUE(WriteNew(fs_, lease->dir() + "/x", "x").ok());
  EXPECT_TRUE(lease->Remove().ok());
  EXPECT_TRUE(Views().empty());
  EXPECT_TRUE(Held().empty());
  EXPECT_TRUE(lease->Remove().ok());
}

TEST_F(LeasesTest, UnfinishedViewsAreSweptUnlessTheirReaderLives) {
  ASSERT_TRUE(fs_.MakeDir(dir_.File("views")).ok());
  const std::string empty = NewName() + ".tmp";
  const std::string unlocked = NewName() + ".tmp";
  const std::string locked = NewName() + ".tmp";
  const std::string nameless = NewName();  // a name without a LEASE
  const std::string removing = NewName() + ".removing";
  for (const std::string& dir : {empty, unlocked, locked, nameless, removing})
    ASSERT_TRUE(fs_.MakeDir(dir).ok());
  ASSERT_TRUE(WriteNew(fs_, unlocked + "/LEASE", "half").ok());
  ASSERT_TRUE(WriteNew(fs_, removing + "/LEASE", "half").ok());
  const auto lock = fs_.Lock(locked + "/LEASE");
  ASSERT_TRUE(lock.ok());
  EXPECT_TRUE(Held().empty());
  EXPECT_FALSE(*Exists(fs_, nameless + "/LEASE"));  // neither a listing nor a sweep made it
  EXPECT_TRUE(SweepViews(fs_, dir_.path()).ok());
  EXPECT_EQ(Views(), std::vector<std::string>{locked.substr(locked.rfind('/') + 1)});
}

TEST_F(LeasesTest, ForeignNamesAreIgnored) {
  ASSERT_TRUE(fs_.MakeDir(dir_.File("views")).ok());
  const std::vector<std::string> foreign = {"00112233-4455-4677-8899-AABBCCDDEEFF",
                                            "00112233-4455-4677-8899-aabbccddeeff.bak",
                                            "lost+found",
                                            "notes",
                                            "x.removing",
                                            "y.tmp"};
  for (const std::string& name : foreign) ASSERT_TRUE(fs_.MakeDir(dir_.File("views/" + name)).ok());
  EXPECT_TRUE(SweepViews(fs_, dir_.path()).ok());
  EXPECT_TRUE(Held().empty());
  EXPECT_EQ(Views(), foreign);
}

TEST_F(LeasesTest, SymlinksAreUnlinkedNotFollowed) {
  TempDir elsewhere;
  ASSERT_TRUE(WriteNew(fs_, elsewhere.File("LEASE"), "precious").ok());
  const std::string dir = Abandoned();
  ASSERT_TRUE(fs_.Symlink(elsewhere.path(), dir + "/link").ok());
  const std::string linked_lease = NewName();
  ASSERT_TRUE(fs_.MakeDir(linked_lease).ok());
  ASSERT_TRUE(fs_.Symlink(elsewhere.File("LEASE"), linked_lease + "/LEASE").ok());
  ASSERT_TRUE(fs_.Symlink(elsewhere.path(), NewName()).ok());
  EXPECT_TRUE(Held().empty());
  EXPECT_TRUE(SweepViews(fs_, dir_.path()).ok());
  EXPECT_TRUE(Views().empty());
  EXPECT_TRUE(*Exists(fs_, elsewhere.File("LEASE")));
}

TEST_F(LeasesTest, DamagedUnlockedLeaseIsSwept) {
  const std::string dir = Abandoned();
  Overwrite(dir + "/LEASE", "nonsense");
  EXPECT_TRUE(Held().empty());
  EXPECT_TRUE(SweepViews(fs_, dir_.path()).ok());
  EXPECT_TRUE(Views().empty());
}

// It is then unknown what a living reader needs, so nobody may free anything.
TEST_F(LeasesTest, AnyDamageToAHeldLeaseIsAnErrorAndKeepsTheView) {
  const auto lease = Create();
  const std::string path = lease->dir() + "/LEASE";
  ExpectAllDamageIsCorruption(*ReadFile(fs_, path, 1000), [&](const std::string& file) {
    Overwrite(path, file);
    return ListHeldLeases(fs_, dir_.path()).status().code();
  });
  EXPECT_TRUE(SweepViews(fs_, dir_.path()).ok());
  EXPECT_EQ(Views().size(), 1u);
}

TEST_F(LeasesTest, InvalidFieldsWithAGoodChecksumAreRefused) {
  const auto lease = Create();
  const Uuid id = *Uuid::Parse(lease->dir().substr(lease->dir().rfind('/') + 1));
  const auto list = [&](uint32_t flags, const Uuid& of, uint64_t version, uint64_t base, const char* more) {
    ByteWriter out;
    out.U32(flags);
    out.Id(of);
    out.U64(version);
    out.U64(base);
    out.U64(0);
    out.Raw(more);
    Overwrite(lease->dir() + "/LEASE", Seal({.magic = "RKVLEASE", .format = 1, .name = "LEASE"}, out.str()));
    return ListHeldLeases(fs_, dir_.path()).status().code();
  };
  EXPECT_EQ(list(0, id, 9, 9, ""), StatusCode::kOk);
  EXPECT_EQ(list(1, id, 9, 9, ""), StatusCode::kNotSupported);
  EXPECT_EQ(list(0, kStoreUuid, 9, 9, ""), StatusCode::kCorruption);
  EXPECT_EQ(list(0, id, 9, 10, ""), StatusCode::kCorruption);
  EXPECT_EQ(list(0, id, 9, 9, "x"), StatusCode::kCorruption);
}

TEST_F(LeasesTest, RefusesATakenNameAndABaseAboveTheVersion) {
  const auto first = Lease::Create(fs_, clock_, dir_.path(), kStoreUuid, Version(9), Version(7));
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(Lease::Create(fs_, clock_, dir_.path(), kStoreUuid, Version(9), Version(7)).status().code(),
            StatusCode::kFailedPrecondition);
  EXPECT_EQ(Held().size(), 1u);
  EXPECT_EQ(Lease::Create(fs_, clock_, dir_.path(), Uuid::Generate(SystemEntropy()), Version(7), Version(9))
                .status()
                .code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(
      Lease::Create(fs_, clock_, dir_.File("absent"), kStoreUuid, Version(9), Version(7)).status().code(),
      StatusCode::kNotFound);
}

}  // namespace
}  // namespace rawkv
