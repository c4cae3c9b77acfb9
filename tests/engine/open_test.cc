// Format, Open and Close keep the promises of engine.h, and one process at a time has a store open.

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/fs_ops.h"
#include "base/sealed_file.h"
#include "engine/admin/inspect.h"
#include "engine/admin/repair.h"
#include "engine/store/store_file.h"
#include "tests/engine/engine_fixture.h"

namespace rawkv {
namespace {

namespace fs = std::filesystem;

class OpenTest : public EngineTest {
 protected:
  Status TryOpen() { return Engine::Open(dir_, open_).status(); }
};

TEST_F(OpenTest, FreshStoreIsEmptyAtItsInitialVersion) {
  format_.initial_version = Version(41);
  FormatAndOpen();
  EXPECT_EQ(engine_->version(), Version(41));
  EXPECT_EQ(engine_->durable_version(), Version(41));
  EXPECT_EQ(Snapshots(), std::vector{Version(41)});
  EXPECT_EQ(Info().reachable, (std::vector{std::pair(Version(41), Version(41))}));
  EXPECT_EQ(EmptyCommit(), Version(42));
}

TEST_F(OpenTest, AbsentStoreIsNotFound) {
  EXPECT_STATUS(TryOpen(), StatusCode::kNotFound);
  EXPECT_FALSE(fs::exists(dir_));
  fs::create_directory(dir_);
  EXPECT_STATUS(TryOpen(), StatusCode::kNotFound, "STORE");
  EXPECT_TRUE(fs::is_empty(dir_)) << "the failed open created files";
}

TEST_F(OpenTest, MissingStoreFilesAreNotFoundAndNothingChanges) {
  Format();
  for (const char* name : {"STORE", "STORE-COPY"}) fs::rename(Path(name), tmp_.File(name));
  const auto before = Listing();
  EXPECT_STATUS(TryOpen(), StatusCode::kNotFound, "STORE", "fsck --repair");
  const Result<CheckReport> report = CheckStore(dir_, {}, open_);
  ASSERT_OK(report);
  EXPECT_EQ(report->findings.front().kind, "store");
  EXPECT_EQ(Listing(), before);
  for (const char* name : {"STORE", "STORE-COPY"}) fs::rename(tmp_.File(name), Path(name));
}

// A store of the format before has no copy. The first open for writing makes it, and notes what the format
// lacked.
TEST_F(OpenTest, StoreOfFormatOneGetsItsCopy) {
  Format();
  const SealedKind first{.magic = "RKVSTORE", .format = 1, .name = "STORE"};
  const SealedKind second{.magic = "RKVSTORE", .format = 2, .name = "STORE"};
  Result<std::string> payload = ReadSealedFile(PosixFs(), Path("STORE"), second);
  ASSERT_OK(payload);
  payload->erase(128, 64);  // docs/formats/store.md
  ASSERT_OK(WriteSealedFile(PosixFs(), Path("STORE"), first, *payload));
  fs::remove(Path("STORE-COPY"));
  ExpectWhole();
  Open();
  const StoreFiles files = InspectStoreFiles(PosixFs(), dir_);
  EXPECT_TRUE(files.agree());
  EXPECT_NE(files.record[0]->sequence, 0u);
  EXPECT_NE(files.record[0]->layout.slot_count, 0u);
}

TEST_F(OpenTest, StoreFilesOfDifferentStoresAreRefused) {
  Format();
  StoreRecord other = *LoadStoreRecord(PosixFs(), dir_);
  other.store_uuid.bytes[0] ^= std::byte{1};
  fs::create_directory(tmp_.File("other"));
  ASSERT_OK(SaveStoreRecord(PosixFs(), tmp_.File("other"), other));
  fs::copy_file(tmp_.File("other") + "/STORE", Path("STORE"), fs::copy_options::overwrite_existing);
  EXPECT_STATUS(TryOpen(), StatusCode::kFailedPrecondition, "STORE-COPY");
  fs::copy_file(Path("STORE-COPY"), Path("STORE"), fs::copy_options::overwrite_existing);
}

// A STORE from a backup next to a newer copy: the newer one counts.
TEST_F(OpenTest, NewerOfStoreAndItsCopyCounts) {
  Format();
  Open();
  engine_.reset();
  fs::copy_file(Path("STORE"), tmp_.File("older"));
  Open();
  WriteBatch batch;
  batch.Put("k", "v");
  ASSERT_TRUE(engine_->Commit(batch).ok());
  engine_.reset();
  fs::copy_file(tmp_.File("older"), Path("STORE"), fs::copy_options::overwrite_existing);
  Open();
  EXPECT_EQ(engine_->version(), Version(1));
}

TEST_F(OpenTest, NewerStoreFormatIsRefusedByName) {
  Format();
  const SealedKind now{.magic = "RKVSTORE", .format = 2, .name = "STORE"};
  const SealedKind newer{.magic = "RKVSTORE", .format = 3, .name = "STORE"};
  const Result<std::string> payload = ReadSealedFile(PosixFs(), Path("STORE"), now);
  ASSERT_OK(payload);
  ASSERT_OK(WriteSealedFile(PosixFs(), Path("STORE"), newer, *payload));
  EXPECT_STATUS(TryOpen(), StatusCode::kNotSupported, "STORE", "3");
  ASSERT_OK(WriteSealedFile(PosixFs(), Path("STORE"), now, *payload));
}

TEST_F(OpenTest, DamagedStoreFilesAreCorruption) {
  Format();
  for (const char* name : {"STORE", "STORE-COPY"}) {
    std::fstream file(Path(name), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(40);
    file.put('\x5a');
  }
  whole_at_the_end_ = false;
  EXPECT_STATUS(TryOpen(), StatusCode::kCorruption, "STORE");
  const Result<CheckReport> report = CheckStore(dir_, {}, open_);
  ASSERT_OK(report);
  ASSERT_FALSE(report->ok());
  EXPECT_EQ(report->findings.front().kind, "store");
}

TEST_F(OpenTest, ErrorForOptionsThatContradictTheFormatNamesBothValues) {
  format_.slot_bytes = 8192;
  format_.inline_bytes = 500;
  format_.header_bytes = 4096;
  Format();
  open_.slot_bytes = 4096;
  EXPECT_STATUS(TryOpen(), StatusCode::kInvalidArgument, "slot_bytes", "4096", "8192");
  open_.slot_bytes = 8192;
  open_.inline_bytes = 1024;
  EXPECT_STATUS(TryOpen(), StatusCode::kInvalidArgument, "inline_bytes", "1024", "500");
  open_.inline_bytes = 500;
  open_.header_bytes = 0;
  EXPECT_STATUS(TryOpen(), StatusCode::kInvalidArgument, "header_bytes", "0", "4096");
  open_.header_bytes = 4096;
  Open();
}

TEST_F(OpenTest, SettingsOutOfRangeAreRefused) {
  Format();
  for (const uint64_t bytes : {uint64_t{0}, 64 * kKiB - 1, 64 * kKiB + 1, 2048 * kMiB}) {
    open_.settings.wal_segment_bytes = bytes;
    EXPECT_STATUS(TryOpen(), StatusCode::kInvalidArgument, "wal_segment_bytes", std::to_string(bytes));
  }
  open_.settings.wal_segment_bytes = 64 * kKiB;
  open_.memtable_bytes = 16 * kKiB - 1;
  EXPECT_STATUS(TryOpen(), StatusCode::kInvalidArgument, "memtable_bytes");
  open_.memtable_bytes = kMiB;
  open_.queue_depth = 0;
  EXPECT_STATUS(TryOpen(), StatusCode::kInvalidArgument);
  open_.queue_depth = 1025;
  EXPECT_STATUS(TryOpen(), StatusCode::kInvalidArgument);
  open_.queue_depth = 1;
  Open();
}

TEST_F(OpenTest, OpenOptionsOverrideTheSettingsOfFormat) {
  format_.runtime.durability = Durability::kUnsafeUnsynced;
  FormatAndOpen();
  EXPECT_EQ(Info().settings.durability, Durability::kUnsafeUnsynced);
  Close();
  open_.settings.durability = Durability::kSynced;
  Open();
  EXPECT_EQ(Info().settings.durability, Durability::kSynced);
  Close();
  open_.settings.durability.reset();
  Open();
  EXPECT_EQ(Info().settings.durability, Durability::kUnsafeUnsynced);
}

TEST_F(OpenTest, CloseWithOpenViewsIsBusyAndClosesNothing) {
  FormatAndOpen();
  Put("k", "v");
  auto view = View();
  EXPECT_STATUS(engine_->Close(), StatusCode::kBusy);
  EXPECT_EQ(Get("k"), "v");
  Put("k", "w");
  view.reset();

  auto old = View(Version(1));
  EXPECT_STATUS(engine_->Close(), StatusCode::kBusy);
  old.reset();

  auto iterator = engine_->NewIterator();
  ASSERT_OK(iterator);
  EXPECT_STATUS(engine_->Close(), StatusCode::kBusy);
  iterator->reset();
  EXPECT_OK(engine_->Close());
}

TEST_F(OpenTest, EveryCallAfterCloseIsRefused) {
  FormatAndOpen();
  Put("k", "v");
  ASSERT_OK(engine_->Close());
  EXPECT_OK(engine_->Close());
  constexpr StatusCode kClosed = StatusCode::kFailedPrecondition;
  std::string buffer(100, '\0');
  const std::vector<std::string_view> keys{"k", "l"};
  EXPECT_STATUS(engine_->Get("k"), kClosed);
  EXPECT_STATUS(engine_->GetInto("k", AsWritableBytes(buffer)), kClosed);
  EXPECT_STATUS(engine_->GetRange("k", 0, AsWritableBytes(buffer)), kClosed);
  for (const Result<Value>& got : engine_->MultiGet(keys)) EXPECT_STATUS(got, kClosed);
  EXPECT_STATUS(engine_->Exists("k"), kClosed);
  EXPECT_STATUS(engine_->NewIterator(), kClosed);
  EXPECT_STATUS(engine_->OpenView(), kClosed);
  EXPECT_STATUS(engine_->OpenView(Version(0)), kClosed);
  EXPECT_STATUS(engine_->GetCommit(Version(1)), kClosed);
  EXPECT_STATUS(engine_->Info(), kClosed);
  const CommitResult commit = engine_->Commit(WriteBatch());
  EXPECT_STATUS(commit, kClosed);
  EXPECT_EQ(commit.outcome, CommitOutcome::kNotApplied);
  EXPECT_STATUS(engine_->Sync(), kClosed);
  EXPECT_STATUS(engine_->CreateSnapshot(), kClosed);
  EXPECT_STATUS(engine_->DeleteSnapshot(Version(0)), kClosed);
  EXPECT_STATUS(engine_->Prune(), kClosed);
  EXPECT_STATUS(engine_->Pin("p"), kClosed);
  EXPECT_STATUS(engine_->Unpin("p"), kClosed);
  EXPECT_STATUS(engine_->ChangeSettings({}), kClosed);
  EXPECT_STATUS(engine_->PlanRollback(Version(0)), kClosed);
  EXPECT_STATUS(engine_->Rollback(Version(0)), kClosed);
  EXPECT_STATUS(engine_->Export({.version = Version(1), .out = tmp_.File("out"), .progress = {}}), kClosed);
  EXPECT_EQ(engine_->version(), Version(1));
  EXPECT_EQ(engine_->stats().commits, 1);
  engine_.reset();
}

TEST_F(OpenTest, SecondEngineInTheProcessIsBusyAndNamesTheHolder) {
  FormatAndOpen();
  EXPECT_STATUS(TryOpen(), StatusCode::kBusy, std::to_string(getpid()));
  EXPECT_OK(CheckStore(dir_, {}, open_)) << "a check needs no lock";
  EXPECT_STATUS(OfflineRollback(dir_, Version(0), {}, open_), StatusCode::kBusy);
  EXPECT_STATUS(PlanOfflineRollback(dir_, Version(0), {}, open_), StatusCode::kBusy);
  format_.force = true;
  EXPECT_STATUS(Engine::Format(dir_, format_), StatusCode::kBusy);
  Put("k", "the store is as good as before");
  Reopen();
  EXPECT_EQ(Get("k"), "the store is as good as before");
}

TEST_F(OpenTest, OpenIsBusyUntilTheOtherProcessEnds) {
  Format();
  int to_parent[2], to_child[2];
  ASSERT_EQ(pipe2(to_parent, O_CLOEXEC), 0);
  ASSERT_EQ(pipe2(to_child, O_CLOEXEC), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    // Starts a new program: a forked process lacks the threads that RocksDB and the sanitizers need.
    if (dup2(to_child[0], STDIN_FILENO) < 0 || dup2(to_parent[1], STDOUT_FILENO) < 0) _exit(1);
    execl(RAWKV_STORE_HOLDER, RAWKV_STORE_HOLDER, dir_.c_str(), nullptr);
    _exit(127);
  }
  close(to_parent[1]);
  close(to_child[0]);
  char byte = 0;
  ASSERT_EQ(read(to_parent[0], &byte, 1), 1) << "the holder could not open the store";
  EXPECT_EQ(byte, 'o');
  EXPECT_STATUS(TryOpen(), StatusCode::kBusy, std::to_string(child));
  const Result<EngineInfo> info = InspectStore(dir_, open_);
  ASSERT_OK(info);
  ASSERT_TRUE(info->writer);
  EXPECT_EQ(info->writer->pid, child);
  close(to_child[1]);  // the holder ends when its stdin closes
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  close(to_parent[0]);
  Open();
}

TEST_F(OpenTest, StoreOpensThroughASymlinkAndARelativePath) {
  FormatAndOpen();
  Put("k", "v");
  Close();
  fs::create_symlink(dir_, tmp_.File("link"));
  for (const std::string& path :
       {tmp_.File("link"), dir_ + "/", tmp_.path() + "/./store//", fs::relative(dir_).string()}) {
    const Result<std::unique_ptr<Engine>> engine = Engine::Open(path, open_);
    ASSERT_OK(engine) << path;
    EXPECT_OK((*engine)->Get("k"));
  }
  EXPECT_TRUE(fs::is_symlink(tmp_.File("link")));
  EXPECT_STATUS(Engine::Open("", open_), StatusCode::kInvalidArgument);
}

TEST_F(OpenTest, DeviceInsideTheStoreMovesWithIt) {
  FormatAndOpen();
  Put("k", OneSlot(1));
  Close();
  fs::rename(dir_, tmp_.File("elsewhere"));
  dir_ = tmp_.File("elsewhere");
  Open();
  EXPECT_EQ(Get("k"), OneSlot(1));
}

TEST_F(OpenTest, ReplayReportsProgress) {
  FormatAndOpen();
  for (int i = 0; i < 50; ++i) EmptyCommit();
  Close();
  fs::remove_all(Path("working"));
  uint64_t calls = 0;
  open_.progress = [&](const Progress& p) {
    ++calls;
    EXPECT_STREQ(p.what, "replay");
    EXPECT_LE(p.done, p.total);
    EXPECT_EQ(p.total, 50);
  };
  Open();
  EXPECT_GT(calls, 0);
  EXPECT_EQ(engine_->version(), Version(50));
  open_.progress = {};
}

TEST_F(OpenTest, CompactionRunsInAnOpenStore) {
  FormatAndOpen();
  constexpr uint64_t kTables = 40;  // without compaction, each snapshot adds one table
  for (uint64_t i = 0; i < kTables; ++i) {
    Put("k", std::to_string(i));
    ASSERT_OK(engine_->CreateSnapshot());
  }
  EXPECT_LT(std::count_if(fs::directory_iterator(Path("current") + "/index"), fs::directory_iterator(),
                          [](const auto& file) { return file.path().extension() == ".sst"; }),
            static_cast<ptrdiff_t>(kTables));
}

TEST_F(OpenTest, FailedOpenDoesNotPreventTheNextOne) {
  FormatAndOpen();
  Put("k", "v");
  Close();
  // The snapshot from which the open rebuilds the index cannot be opened: the open is refused and changes
  // nothing.
  fs::remove_all(Path("working"));
  const fs::path manifest = [&] {
    for (const auto& file : fs::directory_iterator(Path("current") + "/index")) {
      if (file.path().filename().string().starts_with("MANIFEST-")) return file.path();
    }
    return fs::path();
  }();
  const std::string good = *ReadFile(PosixFs(), manifest, kMiB);
  std::ofstream(manifest, std::ios::binary) << std::string(good.size(), '\x7f');
  EXPECT_STATUS(TryOpen(), StatusCode::kCorruption);
  EXPECT_STATUS(TryOpen(), StatusCode::kCorruption);
  std::ofstream(manifest, std::ios::binary) << good;
  Open();
  EXPECT_EQ(Get("k"), "v");
}

}  // namespace
}  // namespace rawkv
