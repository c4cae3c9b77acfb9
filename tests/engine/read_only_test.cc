// A read-only engine reads everything and changes nothing.

#include "engine/transfer/transfer.h"
#include "tests/engine/engine_fixture.h"

namespace rawkv {
namespace {

class ReadOnlyTest : public EngineTest {
 protected:
  // Makes versions 1 … 6 of a payload, with a snapshot at 3.
  void MakeHistory() {
    FormatAndOpen();
    Overwrite("k", 3);
    ASSERT_OK(engine_->CreateSnapshot());
    Overwrite("k", 3);
    Close();
  }
  void OpenReadOnly() {
    open_.read_only = true;
    Open();
  }
  // All files that a reader must not change: it may write its name into LOCK, and it makes clones in views/.
  std::map<std::string, std::string> UnchangedFiles() const { return Listing({"LOCK", "views"}); }
};

TEST_F(ReadOnlyTest, ReadsTheTipAndEveryRetainedVersion) {
  MakeHistory();
  OpenReadOnly();
  EXPECT_EQ(engine_->version(), Version(6));
  EXPECT_EQ(Get("k"), OneSlot(6));
  for (uint64_t v = 1; v <= 6; ++v) EXPECT_EQ(Get("k", Version(v)), OneSlot(v));
  EXPECT_FALSE(Has("k", Version(0)));
  ASSERT_OK_AND_ASSIGN(const CommitRecord record, engine_->GetCommit(Version(5)));
  EXPECT_EQ(record.version, Version(5));
  auto iterator = engine_->NewIterator();
  ASSERT_OK(iterator);
  (*iterator)->SeekToFirst();
  ASSERT_TRUE((*iterator)->Valid());
  EXPECT_EQ((*iterator)->key(), "k");
  iterator->reset();
  const std::vector<std::string_view> keys{"k", "l"};
  const auto got = engine_->MultiGet(keys);
  EXPECT_OK(got[0]);
  EXPECT_STATUS(got[1], StatusCode::kNotFound);
}

TEST_F(ReadOnlyTest, ChangesNothingInTheDirectoryOrOnTheDevice) {
  MakeHistory();
  const auto before = UnchangedFiles();
  OpenReadOnly();
  Get("k");
  Get("k", Version(2));
  Info();
  EXPECT_EQ(UnchangedFiles(), before);
  Close();
  EXPECT_EQ(UnchangedFiles(), before);
  EXPECT_FALSE(logger_.Warned("views/")) << "the clone's directory was removed before its index was closed";
  for (const auto& [name, attributes] : Listing())
    EXPECT_FALSE(name.starts_with("views/")) << name << " is left over";
}

TEST_F(ReadOnlyTest, ChangesNothingOfAStoreThatWasNotClosed) {
  FormatAndOpen();
  Overwrite("k", 5);
  ReopenKilled();  // opens a store that was not closed
  Overwrite("k", 2);
  ASSERT_EQ(std::system(("cp -a --sparse=always '" + dir_ + "' '" + dir_ + ".2'").c_str()), 0);
  Close();
  dir_ += ".2";
  const auto before = UnchangedFiles();
  OpenReadOnly();
  EXPECT_EQ(engine_->version(), Version(7));
  EXPECT_EQ(Get("k"), OneSlot(7));
  Close();
  EXPECT_EQ(UnchangedFiles(), before);
}

TEST_F(ReadOnlyTest, EveryWriteIsRefused) {
  MakeHistory();
  const auto before = UnchangedFiles();
  OpenReadOnly();
  constexpr StatusCode kRefused = StatusCode::kFailedPrecondition;
  WriteBatch batch;
  batch.Put("k", "v");
  const CommitResult commit = engine_->Commit(batch);
  EXPECT_STATUS(commit, kRefused, "reading");
  EXPECT_EQ(commit.outcome, CommitOutcome::kNotApplied);
  EXPECT_STATUS(engine_->Sync(), kRefused);
  EXPECT_STATUS(engine_->CreateSnapshot(), kRefused);
  EXPECT_STATUS(engine_->DeleteSnapshot(Version(0)), kRefused);
  EXPECT_STATUS(engine_->Prune(0), kRefused);
  EXPECT_STATUS(engine_->Pin("p"), kRefused);
  EXPECT_STATUS(engine_->Unpin("p"), kRefused);
  EXPECT_STATUS(engine_->ChangeSettings({}), kRefused);
  EXPECT_STATUS(engine_->Rollback(Version(3)), kRefused);
  EXPECT_EQ(Get("k"), OneSlot(6));
  Close();
  EXPECT_EQ(UnchangedFiles(), before);
}

TEST_F(ReadOnlyTest, ExportAndInfoWork) {
  MakeHistory();
  OpenReadOnly();
  EXPECT_OK(engine_->Export({.version = Version(2), .out = tmp_.File("out"), .progress = {}}));
  EXPECT_OK(ListExport(tmp_.File("out")));
  const EngineInfo info = Info();
  EXPECT_EQ(info.version, Version(6));
  EXPECT_EQ(info.reachable, (std::vector{std::pair(Version(0), Version(6))}));
  EXPECT_EQ(info.slots.live, 1);
  EXPECT_EQ(info.slots.pinned, 5);
}

TEST_F(ReadOnlyTest, CloseIsBusyWhileAViewIsOpen) {
  MakeHistory();
  OpenReadOnly();
  auto view = View();
  EXPECT_STATUS(engine_->Close(), StatusCode::kBusy);
  view = View(Version(2));
  EXPECT_STATUS(engine_->Close(), StatusCode::kBusy);
  view.reset();
  EXPECT_OK(engine_->Close());
}

TEST_F(ReadOnlyTest, WriterOpensAfterAReader) {
  MakeHistory();
  OpenReadOnly();
  Close();
  open_.read_only = false;
  Open();
  EXPECT_EQ(Overwrite("k", 1), Version(7));
}

}  // namespace
}  // namespace rawkv
