// A store on a filesystem that is mounted read-only. Calls that write nothing work, and the others return the
// reason.
#include "engine/admin/inspect.h"
#include "tests/engine/engine_fixture.h"
#include "tests/support/small_filesystem.h"

namespace rawkv {
namespace {

class ReadOnlyMediaTest : public EngineTest {
 protected:
  void SetUp() override {
    Result<std::unique_ptr<SmallFilesystem>> mounted =
        SmallFilesystem::Mount(SmallFilesystem::Kind::kTmpfs, tmp_.path(), /*mebibytes=*/96);
    if (!mounted.ok()) GTEST_SKIP() << mounted.status().message();
    filesystem_ = *std::move(mounted);
    dir_ = filesystem_->path() + "/store";
    format_.device = tmp_.File("device");
    ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
    Put("a", OneSlot(1));
    Put("b", OneSlot(2));
    Close();
    ASSERT_OK(filesystem_->SetReadOnly(true));
  }
  void TearDown() override {
    if (filesystem_ != nullptr) {
      EXPECT_OK(filesystem_->SetReadOnly(false));
    }
    EngineTest::TearDown();
  }

  std::unique_ptr<SmallFilesystem> filesystem_;
};

TEST_F(ReadOnlyMediaTest, InspectionAndChecksWork) {
  ASSERT_OK_AND_ASSIGN(const EngineInfo info, InspectStore(dir_, open_));
  EXPECT_EQ(info.version, Version(2));
  EXPECT_EQ(info.health, "ok");
  EXPECT_FALSE(info.writer.has_value());
  EXPECT_OK(ListSnapshots(dir_, open_));
  ASSERT_OK_AND_ASSIGN(const std::vector<SnapshotVerdict> snapshots,
                       VerifySnapshots(dir_, std::nullopt, open_));
  EXPECT_TRUE(snapshots.front().errors.empty());
  uint64_t records = 0;
  EXPECT_OK(DumpLog(dir_, open_, [&](const LogRecordRow&) {
    ++records;
    return Status::Ok();
  }));
  EXPECT_EQ(records, 2u);
  const Result<CheckReport> checked = CheckStore(dir_, {.deep = true}, open_);
  ASSERT_OK(checked);
  EXPECT_TRUE(checked->ok());
  ASSERT_EQ(checked->notes.size(), 1u);
  EXPECT_NE(checked->notes.front().find("slots and payloads could not be checked"), std::string::npos);
}

TEST_F(ReadOnlyMediaTest, OpenNamesTheReasonForItsRefusal) {
  const Status refused = Engine::Open(dir_, open_).status();
  EXPECT_STATUS(refused, StatusCode::kFailedPrecondition, "read-only");
}

TEST_F(ReadOnlyMediaTest, ReadingWorks) {
  open_.read_only = true;
  Open();
  EXPECT_EQ(engine_->version(), Version(2));
  EXPECT_EQ(Get("b"), OneSlot(2));
  EXPECT_EQ(Get("a", Version(1)), OneSlot(1));
  EXPECT_FALSE(Has("b", Version(1)));
  EXPECT_OK(engine_->Refresh());
  ASSERT_OK(engine_->Export({.version = Version(2), .out = tmp_.File("out"), .progress = {}}));
  EXPECT_EQ(Info().version, Version(2));
  Close();
  open_.read_only = false;
}

}  // namespace
}  // namespace rawkv
