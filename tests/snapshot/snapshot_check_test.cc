#include <gtest/gtest.h>

#include "snapshot/snapshot_store.h"
#include "tests/snapshot/fake_index.h"
#include "tests/support/expect_status.h"
#include "tests/support/temp_dir.h"

// SnapshotStore::CheckFiles and Verify.
namespace rawkv {
namespace {

class SnapshotCheckTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(store_.Publish(index_.Callbacks(fs_)).ok()); }

  StatusCode Check(const LineageChain& chain = OneBranch()) {
    return store_.CheckFiles(kVersion, chain).code();
  }
  std::vector<std::string> Verify(const LineageChain& chain = OneBranch()) {
    const auto errors = store_.Verify(kVersion, chain, ContentChecksummer(fs_), index_.Callbacks(fs_));
    EXPECT_OK(errors);
    return errors.ok() ? *errors : std::vector<std::string>{"no result"};
  }
  std::string InIndex(const std::string& name) { return store_.IndexPathOf(kVersion) + "/" + name; }
  void Overwrite(const std::string& path, const std::string& content) {
    ASSERT_TRUE(fs_.RemoveFile(path).ok());
    ASSERT_TRUE(WriteNew(fs_, path, content).ok());
  }

  static constexpr Version kVersion{7};
  TempDir dir_;
  Fs& fs_ = PosixFs();
  FixedClock clock_;
  SnapshotStore store_{fs_, clock_, dir_.path(), kStoreUuid};
  FakeIndex index_{kVersion};
};

TEST_F(SnapshotCheckTest, WholeSnapshotPasses) {
  EXPECT_EQ(Check(), StatusCode::kOk);
  EXPECT_EQ(Verify(), std::vector<std::string>());
}

TEST_F(SnapshotCheckTest, AbsentSnapshotIsNotFound) {
  EXPECT_EQ(store_.CheckFiles(Version(8), OneBranch()).code(), StatusCode::kNotFound);
  EXPECT_EQ(
      store_.Verify(Version(8), OneBranch(), ContentChecksummer(fs_), index_.Callbacks(fs_)).status().code(),
      StatusCode::kNotFound);
}

TEST_F(SnapshotCheckTest, RefusesAMissingFile) {
  ASSERT_TRUE(fs_.RemoveFile(InIndex("000012.sst")).ok());
  EXPECT_EQ(Check(), StatusCode::kCorruption);
  EXPECT_EQ(Verify(), std::vector<std::string>{"index/000012.sst is missing"});
}

TEST_F(SnapshotCheckTest, RefusesAnotherSize) {
  Overwrite(InIndex("000012.sst"), "table of 7+");
  EXPECT_EQ(Check(), StatusCode::kCorruption);
  EXPECT_EQ(Verify(), std::vector<std::string>{"index/000012.sst has 11 bytes, expected 10"});
}

TEST_F(SnapshotCheckTest, RefusesOtherKindsThanRegularFiles) {
  ASSERT_TRUE(fs_.Rename(InIndex("000012.sst"), dir_.File("moved")).ok());
  ASSERT_TRUE(fs_.Symlink(dir_.File("moved"), InIndex("000012.sst")).ok());
  EXPECT_EQ(Check(), StatusCode::kCorruption);
  EXPECT_EQ(Verify(), std::vector<std::string>{"index/000012.sst is not a regular file"});
}

TEST_F(SnapshotCheckTest, DoesNotFollowALinkedDirectory) {
  ASSERT_TRUE(fs_.Rename(store_.IndexPathOf(kVersion), dir_.File("elsewhere")).ok());
  ASSERT_TRUE(fs_.Symlink(dir_.File("elsewhere"), store_.IndexPathOf(kVersion)).ok());
  EXPECT_EQ(Check(), StatusCode::kCorruption);
  EXPECT_EQ(Verify().size(), 4u);  // three files, and the link that is not listed
}

TEST_F(SnapshotCheckTest, RefusesASnapshotThatIsNotOnTheChain) {
  const Lineage fork{99};
  EXPECT_EQ(Check(LineageChain({{.id = fork, .parent = Lineage(), .fork = Version(0)}})),
            StatusCode::kCorruption);
  EXPECT_EQ(Check(OneBranch().Forked(fork, Version(6))), StatusCode::kCorruption);
  EXPECT_EQ(Check(OneBranch().Forked(fork, Version(7))), StatusCode::kOk);
  EXPECT_EQ(Verify(OneBranch().Forked(fork, Version(6))).size(), 1u);
}

TEST_F(SnapshotCheckTest, OnlyVerifyReadsTheContent) {
  Overwrite(InIndex("000012.sst"), "table of 8");
  EXPECT_EQ(Check(), StatusCode::kOk);
  const std::vector<std::string> errors = Verify();
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_NE(errors[0].find("index/000012.sst has checksum"), std::string::npos) << errors[0];
}

TEST_F(SnapshotCheckTest, VerifyReportsAllFaults) {
  Overwrite(InIndex("000012.sst"), "table of 8");
  Overwrite(InIndex("000007.sst"), "");
  ASSERT_TRUE(WriteNew(fs_, InIndex("000099.log"), "stray").ok());
  const std::vector<std::string> errors = Verify();
  ASSERT_EQ(errors.size(), 3u);
  EXPECT_EQ(errors[0], "index/000007.sst has 0 bytes, expected 12");
  EXPECT_EQ(errors[1], "index/000099.log is not in MANIFEST");
}

TEST_F(SnapshotCheckTest, VerifyNamesAnUnreadableFile) {
  const FileChecksummer failing = [](const std::string&, FileChecksumKind) -> Result<std::string> {
    return Status::IoError("bad sector");
  };
  const auto errors = store_.Verify(kVersion, OneBranch(), failing, index_.Callbacks(fs_));
  ASSERT_EQ(errors->size(), 3u);
  EXPECT_EQ(errors->front(), "index/000007.sst: bad sector");
}

TEST_F(SnapshotCheckTest, VerifyOpensTheIndexAndComparesItsContent) {
  SnapshotCallbacks callbacks = index_.Callbacks(fs_);
  const auto with = [&](const SnapshotFacts& facts) {
    callbacks.inspect = [facts](const std::string&) -> Result<SnapshotFacts> { return facts; };
    return store_.Verify(kVersion, OneBranch(), ContentChecksummer(fs_), callbacks)->size();
  };
  EXPECT_EQ(with({.version = Version(7), .lineage = kLineage, .digest = {}}), 0u);
  EXPECT_EQ(with({.version = Version(8), .lineage = kLineage, .digest = {}}), 1u);
  EXPECT_EQ(with({.version = Version(7), .lineage = Lineage(1), .digest = {}}), 1u);
  EXPECT_EQ(with({.version = Version(7), .lineage = kLineage, .digest = Sha256Digest{}}), 1u);
  callbacks.inspect = [](const std::string&) -> Result<SnapshotFacts> { return Status::Corruption("no"); };
  EXPECT_EQ(*store_.Verify(kVersion, OneBranch(), ContentChecksummer(fs_), callbacks),
            std::vector<std::string>{"the index cannot be opened: no"});
}

TEST_F(SnapshotCheckTest, VerifyDoesNotOpenAnIndexKnownToBeDamaged) {
  Overwrite(InIndex("000012.sst"), "table of 8");
  SnapshotCallbacks callbacks;
  callbacks.inspect = [](const std::string&) -> Result<SnapshotFacts> {
    ADD_FAILURE() << "opened";
    return Status::Internal("opened");
  };
  EXPECT_EQ(store_.Verify(kVersion, OneBranch(), ContentChecksummer(fs_), callbacks)->size(), 1u);
}

TEST_F(SnapshotCheckTest, VerifyReportsADamagedManifestAsAFault) {
  Overwrite(store_.PathOf(kVersion) + "/MANIFEST", "nonsense");
  EXPECT_EQ(Check(), StatusCode::kCorruption);
  EXPECT_EQ(Verify().size(), 1u);
}

}  // namespace
}  // namespace rawkv
