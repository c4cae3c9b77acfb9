#include "tests/engine/engine_fixture.h"
#include "engine/admin/inspect.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace rawkv {

namespace fs = std::filesystem;

EngineTest::EngineTest() {
  format_.capacity_bytes = 32 * kMiB;
  format_.runtime.snapshot_interval = 0;
  format_.env.logger = &logger_;
  open_.env.logger = &logger_;
}

void EngineTest::TearDown() {
  if (engine_ != nullptr) Close();
  if (whole_at_the_end_ && fs::exists(Path("STORE"))) ExpectWhole();
  if (HasFailure()) std::printf("%s", logger_.text().c_str());
}

void EngineTest::Format() {
  ASSERT_OK(Engine::Format(dir_, format_));
}

void EngineTest::Open() {
  Result<std::unique_ptr<Engine>> opened = Engine::Open(dir_, open_);
  ASSERT_OK(opened);
  engine_ = *std::move(opened);
}

void EngineTest::FormatAndOpen() {
  ASSERT_NO_FATAL_FAILURE(Format());
  ASSERT_NO_FATAL_FAILURE(Open());
}

void EngineTest::Close() {
  EXPECT_OK(engine_->Close());
  engine_.reset();
}

void EngineTest::Reopen() {
  Close();
  Open();
}

void EngineTest::ReopenKilled() {
  const std::string copy = dir_ + ".killed";
  const std::string command = "rm -rf '" + copy + "' && cp -a --sparse=always '" + dir_ + "' '" + copy + "'";
  // A compaction in the background may remove a table while `cp` runs.
  int copied = 1;
  for (int attempt = 0; copied != 0 && attempt < 10; ++attempt) copied = std::system(command.c_str());
  ASSERT_EQ(copied, 0);
  engine_.reset();
  fs::remove_all(dir_);
  fs::rename(copy, dir_);
  Open();
}

void EngineTest::ExpectWhole(bool deep) {
  ASSERT_OK_AND_ASSIGN(const CheckReport report, CheckStore(dir_, {.deep = deep}, open_));
  for (const Finding& f : report.findings) ADD_FAILURE() << f.kind << " " << f.where << ": " << f.message;
}

Version EngineTest::Put(std::string_view key, std::string_view value) {
  WriteBatch batch;
  batch.Put(key, value);
  const CommitResult result = engine_->Commit(batch);
  EXPECT_OK(result);
  return result.version;
}

Version EngineTest::Delete(std::string_view key) {
  WriteBatch batch;
  batch.Delete(key);
  const CommitResult result = engine_->Commit(batch);
  EXPECT_OK(result);
  return result.version;
}

Version EngineTest::EmptyCommit() {
  const CommitResult result = engine_->Commit(WriteBatch());
  EXPECT_OK(result);
  return result.version;
}

Version EngineTest::Overwrite(std::string_view key, uint64_t n) {
  Version last = engine_->version();
  for (uint64_t i = 0; i < n; ++i) last = Put(key, OneSlot(last.value() + 1));
  return last;
}

std::shared_ptr<const ReadView> EngineTest::View(std::optional<Version> version) {
  Result<std::shared_ptr<const ReadView>> view = engine_->OpenView(version);
  EXPECT_OK(view);
  return view.ok() ? *view : nullptr;
}

std::string EngineTest::Get(std::string_view key, std::optional<Version> version) {
  const std::shared_ptr<const ReadView> view = version ? View(version) : nullptr;
  const Result<Value> value = engine_->Get(key, {.view = view.get()});
  EXPECT_OK(value) << key;
  return value.ok() ? value->bytes : "";
}

bool EngineTest::Has(std::string_view key, std::optional<Version> version) {
  const std::shared_ptr<const ReadView> view = version ? View(version) : nullptr;
  const Result<bool> there = engine_->Exists(key, {.view = view.get()});
  EXPECT_OK(there);
  return there.ok() && *there;
}

EngineInfo EngineTest::Info() {
  const Result<EngineInfo> info = engine_->Info();
  EXPECT_OK(info);
  if (!info.ok()) return {};
  const SlotUse& s = info->slots;
  EXPECT_EQ(s.live + s.pinned + s.reclaimable + s.reserved + s.free, s.total);
  uint64_t sum = info->pinned_shared;
  for (const rawkv::PinnedBy& holder : info->pinned_by) sum += holder.slots;
  EXPECT_EQ(sum, s.pinned);
  return *info;
}

uint64_t EngineTest::PinnedBy(const std::string& kind, const std::string& name) {
  for (const rawkv::PinnedBy& holder : Info().pinned_by) {
    if (holder.kind == kind && holder.name == name) return holder.slots;
  }
  return 0;
}

std::vector<Version> EngineTest::Snapshots() {
  std::vector<Version> out;
  for (const SnapshotRow& row : Info().snapshots) out.push_back(row.version);
  return out;
}

std::map<std::string, std::string> EngineTest::Listing(const std::vector<std::string>& without) const {
  std::map<std::string, std::string> out;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(dir_)) {
    const std::string name = entry.path().string().substr(dir_.size() + 1);
    const bool left_out = std::any_of(without.begin(), without.end(), [&](const std::string& w) {
      return name == w || name.starts_with(w + "/");
    });
    if (left_out) continue;
    struct stat st {};
    EXPECT_EQ(::lstat(entry.path().c_str(), &st), 0) << name;
    std::string attributes = std::to_string(st.st_ino) + " " + std::to_string(st.st_mode) + " " +
                             std::to_string(st.st_size) + " " + std::to_string(st.st_mtim.tv_sec) + "." +
                             std::to_string(st.st_mtim.tv_nsec);
    out[name] = std::move(attributes);
  }
  return out;
}

std::string OneSlot(uint64_t seed) {
  return MakeValue({seed, 4096});
}

}  // namespace rawkv
