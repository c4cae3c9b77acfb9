#include "tests/engine/model_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "base/fs_ops.h"
#include "engine/transfer/transfer.h"
#include "tests/support/expect_status.h"

namespace rawkv {
namespace {

namespace fs = std::filesystem;

// Copies the store's directory, and the device if it is inside.
void CopyStore(const std::string& from, const std::string& to) {
  const std::string command = "cp -a --sparse=always '" + from + "' '" + to + "'";
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
}

std::string ReadWholeFile(const fs::path& path) {
  const Result<std::string> content = ReadFile(PosixFs(), path.string(), 64 << 20);
  EXPECT_OK(content);
  return content.ok() ? *content : "";
}

}  // namespace

ModelStore::ModelStore(const ModelConfig& config, std::string dir)
    : config_(config), dir_(std::move(dir)), open_(config.open), model_(config.format.initial_version) {
  open_.env.logger = &logger_;
}

void ModelStore::Format() {
  FormatOptions format = config_.format;
  format.env.logger = &logger_;
  ASSERT_OK_AND_ASSIGN(const FormatResult made, Engine::Format(dir_, format));
  EXPECT_EQ(made.version, model_.initial());
  keep_recent_ = config_.format.runtime.keep_recent;
}

void ModelStore::Open() {
  Result<std::unique_ptr<Engine>> opened = Engine::Open(dir_, open_);
  ASSERT_OK(opened) << logger_.text();
  engine_ = *std::move(opened);
  if (Automatic()) removal_.keep = keep_recent_;  // retention may have run before the close
  EXPECT_EQ(engine_->version(), model_.tip());
  CheckInfo();
}

void ModelStore::Close() {
  if (!held_.empty()) {
    EXPECT_STATUS(engine_->Close(), StatusCode::kBusy);
  }
  held_.clear();
  EXPECT_OK(engine_->Close());
  EXPECT_OK(engine_->Close());
  engine_.reset();
}

void ModelStore::Reopen(bool deep_check) {
  Close();
  Fsck(deep_check);
  Open();
}

void ModelStore::ReopenCopy() {
  const std::string copy = dir_ + ".copy";
  CopyStore(dir_, copy);
  held_.clear();
  engine_.reset();
  fs::remove_all(dir_);
  fs::rename(copy, dir_);
  Open();
}

void ModelStore::Fsck(bool deep) {
  ASSERT_OK_AND_ASSIGN(const CheckReport report, CheckStore(dir_, {.deep = deep}, open_));
  for (const Finding& f : report.findings) {
    ADD_FAILURE() << f.kind << " " << f.where << ": " << f.message;
  }
}

bool ModelStore::MayUse(Version version) const {
  if (floor_ <= version && version <= model_.tip()) return true;
  return std::any_of(pins_.begin(), pins_.end(), [&](const auto& pin) { return pin.second == version; });
}

bool ModelStore::MayUse(Version version, const Status& answer) {
  if (Automatic() && answer.code() == StatusCode::kVersionUnreachable) CheckInfo();
  return MayUse(version);
}

Version ModelStore::PickReachable(Rng& rng) const {
  uint64_t versions = 0;
  for (const auto& [first, last] : reachable_) versions += last.value() - first.value() + 1;
  uint64_t at = rng.Below(versions);
  for (const auto& [first, last] : reachable_) {
    const uint64_t count = last.value() - first.value() + 1;
    if (at < count) return Version(first.value() + at);
    at -= count;
  }
  return model_.tip();
}

uint64_t ModelStore::SlotsOf(const ValueRecipe& value) const {
  if (value.bytes == 0 || value.bytes <= config_.format.inline_bytes) return 0;
  const uint64_t slot = config_.format.slot_bytes;
  return (value.bytes + config_.format.header_bytes + slot - 1) / slot;
}

void ModelStore::Commit(const ModelBatch& batch, const CommitOptions& options) {
  std::list<std::string> values;
  const WriteBatch write = batch.ToWriteBatch(&values);
  const CommitResult result = engine_->Commit(write, options);
  const bool expected = !options.expected_version || *options.expected_version == Next(model_.tip());
  if (result.ok()) {
    EXPECT_TRUE(expected);
    EXPECT_EQ(result.outcome, CommitOutcome::kApplied);
    ASSERT_EQ(result.version, model_.Commit(batch));
  } else {
    EXPECT_EQ(result.outcome, CommitOutcome::kNotApplied) << result.status.ToString();
    if (result.status.code() == StatusCode::kNoSpace) {
      EXPECT_TRUE(config_.fills_up) << result.status.ToString();
      removal_.keep = 0;
      CheckFullDevice(batch);
    } else {
      EXPECT_FALSE(expected) << result.status.ToString();
      EXPECT_STATUS(result, StatusCode::kFailedPrecondition);
    }
  }
  if (config_.fills_up) removal_.keep = 0;  // the commit may have made space by pruning
  EXPECT_EQ(engine_->version(), model_.tip());
  CheckInfo();
}

// Checks a kNoSpace answer: no snapshot pins slots any more, and the free slots do not suffice.
void ModelStore::CheckFullDevice(const ModelBatch& batch) {
  ASSERT_OK_AND_ASSIGN(const EngineInfo info, engine_->Info());
  EXPECT_EQ(info.slots.reserved, 0);
  EXPECT_EQ(info.current, model_.tip());
  for (const PinnedBy& holder : info.pinned_by) EXPECT_NE(holder.kind, "snapshot") << holder.slots;
  if (config_.format.header_bytes != 0) return;  // a value in pieces takes more slots there
  uint64_t needed = 0;
  for (const ModelOp& op : batch.ops) {
    if (op.kind == ModelOp::Kind::kPut) needed += SlotsOf(op.value);
  }
  EXPECT_LT(info.slots.free, needed);
}

void ModelStore::CreateSnapshot() {
  ASSERT_OK_AND_ASSIGN(const Version made, engine_->CreateSnapshot());
  EXPECT_EQ(made, model_.tip());
  removal_.keep = keep_recent_;
  CheckInfo();
}

void ModelStore::DeleteSnapshot(Version version) {
  const auto row = std::find_if(snapshots_.begin(), snapshots_.end(),
                                [&](const SnapshotRow& r) { return r.version == version; });
  const bool pinned =
      std::any_of(pins_.begin(), pins_.end(), [&](const auto& p) { return p.second == version; });
  const Status deleted = engine_->DeleteSnapshot(version);
  if (row == snapshots_.end() || pinned || (Automatic() && !deleted.ok())) {
    EXPECT_STATUS(deleted, StatusCode::kFailedPrecondition);
  } else if (row->current && !deleted.ok()) {
    EXPECT_STATUS(deleted, StatusCode::kFailedPrecondition);  // no other snapshot has a log
  } else {
    EXPECT_OK(deleted);
    removal_.deleted = version;
  }
  CheckInfo();
}

void ModelStore::Prune(std::optional<uint64_t> keep) {
  const std::vector<SnapshotRow> before = snapshots_;
  ASSERT_OK_AND_ASSIGN(const std::vector<Version> removed, engine_->Prune(keep));
  removal_.keep = keep.value_or(keep_recent_);
  CheckInfo();
  const auto there = [](const std::vector<SnapshotRow>& rows, Version v) {
    return std::any_of(rows.begin(), rows.end(), [&](const SnapshotRow& r) { return r.version == v; });
  };
  for (const Version v : removed) EXPECT_FALSE(there(snapshots_, v));
  if (Automatic()) return;  // background snapshots prune, too
  uint64_t gone = 0;
  for (const SnapshotRow& row : before) gone += there(snapshots_, row.version) ? 0 : 1;
  EXPECT_EQ(gone, removed.size());
}

void ModelStore::Pin(const std::string& name, std::optional<Version> version) {
  const Version wanted = version.value_or(model_.tip());
  const auto taken = pins_.find(name);
  const Result<Version> pinned = engine_->Pin(name, version);
  if (taken != pins_.end() && taken->second != wanted) {
    EXPECT_STATUS(pinned, StatusCode::kFailedPrecondition);
  } else if (!pinned.ok() && !MayUse(wanted, pinned.status())) {
    EXPECT_STATUS(pinned, StatusCode::kVersionUnreachable);
  } else {
    ASSERT_OK(pinned);
    EXPECT_EQ(*pinned, wanted);
    pins_[name] = wanted;
    once_pinned_.push_back(wanted);
    removal_.pinned = wanted;
  }
  CheckInfo();
}

void ModelStore::Unpin(const std::string& name) {
  const bool there = pins_.erase(name) != 0;
  const Status unpinned = engine_->Unpin(name);
  if (there) {
    EXPECT_OK(unpinned);
    removal_.keep = keep_recent_;
  } else {
    EXPECT_STATUS(unpinned, StatusCode::kFailedPrecondition, name);
  }
  CheckInfo();
}

void ModelStore::SetKeepRecent(uint64_t keep) {
  EXPECT_OK(engine_->ChangeSettings({.keep_recent = keep}));
  if (Automatic()) removal_.keep = std::min(keep, keep_recent_);  // retention may have run just before
  keep_recent_ = keep;
  CheckInfo();
}

std::vector<std::string> ModelStore::RollbackBlockers(Version target, bool drop_pins) const {
  std::vector<std::string> out;
  for (const auto& [name, version] : pins_) {
    if (version > target && !drop_pins) out.push_back("pin " + name);
  }
  for (const Held& h : held_) {
    if (h.version > target) out.push_back("view " + ToString(h.version));
  }
  return out;
}

void ModelStore::CheckPlan(const RollbackPlan& plan, Version target, bool drop_pins) {
  EXPECT_EQ(plan.from, model_.tip());
  EXPECT_EQ(plan.to, target);
  EXPECT_LE(plan.base, target);
  EXPECT_EQ(plan.records, target.value() - plan.base.value());
  if (target == model_.tip()) {
    EXPECT_FALSE(plan.versions_dropped);
    return;
  }
  EXPECT_EQ(plan.versions_dropped, std::pair(Next(target), model_.tip()));
  for (const std::string& blocker : RollbackBlockers(target, drop_pins)) {
    EXPECT_TRUE(std::any_of(plan.blocked_by.begin(), plan.blocked_by.end(), [&](const std::string& b) {
      return b.starts_with(blocker);
    })) << blocker;
  }
  std::vector<std::pair<std::string, Version>> pins;
  for (const auto& pin : pins_) {
    if (pin.second > target) pins.push_back(pin);
  }
  EXPECT_EQ(plan.pins_dropped, pins);
  if (Automatic()) return;
  std::vector<Version> snapshots;
  for (const SnapshotRow& row : snapshots_) {
    if (row.version > target) snapshots.push_back(row.version);
  }
  EXPECT_EQ(plan.snapshots_dropped, snapshots);
}

void ModelStore::ForgetAbove(Version target) {
  model_.RollBackTo(target);
  std::erase_if(pins_, [&](const auto& pin) { return pin.second > target; });
  std::erase_if(once_pinned_, [&](Version v) { return v > target; });
  removal_.rolled_to = target;
}

void ModelStore::Rollback(Version target, bool drop_pins) {
  const Result<RollbackPlan> plan = engine_->PlanRollback(target, {.drop_pins = drop_pins});
  const Status done = engine_->Rollback(target, {.drop_pins = drop_pins});
  const bool reachable = done.ok() || MayUse(target, done);
  const bool live_views = std::any_of(held_.begin(), held_.end(), [](const Held& h) { return h.of_tip; });
  if (!reachable) {
    EXPECT_TRUE(Automatic() || HasStatus(plan, StatusCode::kVersionUnreachable, {}));
    EXPECT_STATUS(done, StatusCode::kVersionUnreachable);
  } else {
    ASSERT_OK(plan);
    CheckPlan(*plan, target, drop_pins);
    if (target != model_.tip() && (live_views || !RollbackBlockers(target, drop_pins).empty())) {
      EXPECT_STATUS(done, StatusCode::kFailedPrecondition);
    } else {
      ASSERT_OK(done);
      if (target != model_.tip()) ForgetAbove(target);
    }
  }
  EXPECT_EQ(engine_->version(), model_.tip());
  CheckInfo();
}

void ModelStore::OfflineRollback(Version target, bool drop_pins) {
  Close();
  const Result<RollbackPlan> plan = PlanOfflineRollback(dir_, target, {.drop_pins = drop_pins}, open_);
  if (Automatic() && plan.status().code() == StatusCode::kVersionUnreachable) return Open();
  ASSERT_OK(plan);
  CheckPlan(*plan, target, drop_pins);
  const Status done = rawkv::OfflineRollback(dir_, target, {.drop_pins = drop_pins}, open_);
  if (target != model_.tip() && !RollbackBlockers(target, drop_pins).empty()) {
    EXPECT_STATUS(done, StatusCode::kFailedPrecondition);
  } else {
    ASSERT_OK(done);
    if (target != model_.tip()) ForgetAbove(target);
  }
  Fsck(false);
  Open();
}

void ModelStore::GrowAndTrim() {
  if (!config_.format.device.empty()) return;  // a block device keeps its size
  const Result<EngineInfo> before = engine_->Info();
  ASSERT_OK(before);
  if (before->capacity_bytes < 2 * config_.format.capacity_bytes) {
    const uint64_t capacity = before->capacity_bytes + 16 * before->slot_bytes;
    const Result<GrowReport> grown = engine_->GrowDevice({.capacity_bytes = capacity});
    ASSERT_OK(grown);
    EXPECT_EQ(grown->slots_before, before->slots.total);
    EXPECT_EQ(grown->slots, before->slots.total + 16);
  }
  const Result<TrimReport> trimmed = engine_->TrimDevice();
  if (trimmed.status().code() != StatusCode::kNotSupported) ASSERT_OK(trimmed);
  CheckInfo();
}

void ModelStore::HoldView(Version version) {
  Result<std::shared_ptr<const ReadView>> view = engine_->OpenView(version);
  if (!MayUse(version, view.status())) {
    EXPECT_STATUS(view, StatusCode::kVersionUnreachable);
    return;
  }
  ASSERT_OK(view);
  EXPECT_EQ((*view)->version(), version);
  held_.push_back({*view, version, version == model_.tip(), nullptr, model_.At(version)});
  IteratorOptions options;
  options.view = *std::move(view);
  Result<std::unique_ptr<Iterator>> walk = engine_->NewIterator(options);
  ASSERT_OK(walk);
  held_.back().walk = *std::move(walk);
  held_.back().walk->SeekToFirst();
  CheckInfo();
}

void ModelStore::HoldTip() {
  // An iterator holds its version without a view.
  Result<std::unique_ptr<Iterator>> walk = engine_->NewIterator();
  ASSERT_OK(walk);
  held_.push_back({nullptr, model_.tip(), true, *std::move(walk), model_.At(model_.tip())});
  held_.back().walk->SeekToFirst();
  CheckInfo();
}

void ModelStore::ReadHeld(Rng& rng) {
  if (held_.empty()) return;
  Held& h = rng.Pick(held_);
  SCOPED_TRACE("held version " + ToString(h.version));
  if (h.view != nullptr) CheckWhole({*engine_, h.view, h.state});
  auto expected = h.state.begin();
  for (h.walk->SeekToFirst(); h.walk->Valid(); h.walk->Next(), ++expected) {
    ASSERT_NE(expected, h.state.end());
    ASSERT_EQ(h.walk->key(), expected->first);
    const Result<std::string> value = h.walk->ReadValue();
    ASSERT_OK(value);
    EXPECT_EQ(DiffValue(expected->second.value, *value), "");
  }
  ASSERT_OK(h.walk->status());
  EXPECT_EQ(expected, h.state.end());
}

void ModelStore::DropHeld(Rng& rng) {
  if (held_.empty()) return;
  held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(rng.Below(held_.size())));
  CheckInfo();
}

void ModelStore::CheckInfo() {
  ASSERT_OK_AND_ASSIGN(const EngineInfo info, engine_->Info());
  EXPECT_EQ(info.version, model_.tip());
  EXPECT_LE(info.durable_version, model_.tip());
  const bool synced =
      open_.settings.durability.value_or(config_.format.runtime.durability) == Durability::kSynced;
  if (synced) {
    EXPECT_EQ(info.durable_version, model_.tip());
  }
  EXPECT_EQ(info.initial_version, model_.initial());
  EXPECT_EQ(info.health, "ok");
  ASSERT_FALSE(info.snapshots.empty());
  CheckSnapshots(info);
  snapshots_ = info.snapshots;

  // F is the oldest snapshot that is not kept by a pin alone. `current` counts as unpinned.
  const auto oldest = std::find_if(snapshots_.begin(), snapshots_.end(),
                                   [](const SnapshotRow& r) { return r.pins.empty() || r.current; });
  ASSERT_NE(oldest, snapshots_.end());
  floor_ = oldest->version;
  CheckReachable(info);
  CheckSlots(info);
  CheckHolders(info);
}

void ModelStore::CheckReachable(const EngineInfo& info) {
  std::vector<std::pair<Version, Version>> single{{floor_, model_.tip()}};
  for (const auto& [name, version] : pins_) single.emplace_back(version, version);
  for (const Held& h : held_) single.emplace_back(h.version, h.version);
  std::sort(single.begin(), single.end());
  reachable_.clear();
  for (const auto& [first, last] : single) {
    if (!reachable_.empty() && first.value() <= reachable_.back().second.value() + 1) {
      reachable_.back().second = std::max(reachable_.back().second, last);
    } else {
      reachable_.emplace_back(first, last);
    }
  }
  EXPECT_EQ(info.reachable, reachable_);
}

void ModelStore::CheckSlots(const EngineInfo& info) {
  const SlotUse& s = info.slots;
  EXPECT_EQ(s.live + s.pinned + s.reclaimable + s.reserved + s.free, s.total);
  EXPECT_EQ(s.at_version, model_.tip());
  uint64_t sum = info.pinned_shared;
  for (const PinnedBy& holder : info.pinned_by) sum += holder.slots;
  EXPECT_EQ(sum, s.pinned);
  if (!Automatic()) {
    EXPECT_EQ(s.reserved, 0);
  }
  uint64_t live = 0;
  for (const auto& [key, entry] : model_.At(model_.tip())) live += SlotsOf(entry.value);
  // A value in several pieces has a header in each.
  if (config_.format.header_bytes == 0) {
    EXPECT_EQ(s.live, live);
  } else {
    EXPECT_GE(s.live, live);
  }
}

void ModelStore::CheckHolders(const EngineInfo& info) {
  if (config_.format.header_bytes != 0) return;  // the slots of dead values are not known exactly
  std::vector<std::pair<std::string, Version>> holds;
  for (const auto& [name, version] : pins_) holds.emplace_back("pin " + name, version);
  for (const Held& h : held_) holds.emplace_back("view " + ToString(h.version), h.version);
  std::map<std::string, uint64_t> expected;
  uint64_t pinned = 0, shared = 0;
  for (const Model::Death& death : model_.Deaths()) {
    const uint64_t slots = SlotsOf(death.value);
    std::vector<std::string> holders;
    if (death.freed > floor_) holders.push_back("snapshot");
    for (const auto& [name, version] : holds) {
      if (death.born <= version && version < death.freed) holders.push_back(name);
    }
    if (slots == 0 || holders.empty()) continue;
    pinned += slots;
    if (holders.size() > 1) {
      shared += slots;
    } else {
      expected[holders.front()] += slots;
    }
  }
  std::map<std::string, uint64_t> actual;
  for (const PinnedBy& h : info.pinned_by) {
    if (h.slots == 0) continue;  // it keeps only log or tables
    actual[h.kind == "snapshot" ? h.kind : h.kind + " " + h.name] += h.slots;
  }
  EXPECT_EQ(info.slots.pinned, pinned);
  EXPECT_EQ(info.pinned_shared, shared);
  EXPECT_EQ(actual, expected);
}

void ModelStore::CheckSnapshots(const EngineInfo& info) {
  const std::vector<SnapshotRow>& now = info.snapshots;
  std::map<std::string, Version> pins;
  for (size_t i = 0; i < now.size(); ++i) {
    if (i > 0) {
      EXPECT_LT(now[i - 1].version, now[i].version);
    }
    EXPECT_EQ(now[i].current, i + 1 == now.size());
    for (const std::string& name : now[i].pins) pins[name] = now[i].version;
  }
  EXPECT_EQ(info.current, now.back().version);
  EXPECT_EQ(pins, pins_);

  // Snapshots that retention had to keep, among the old and the new ones.
  if (Automatic()) removal_.keep = std::min(removal_.keep.value_or(keep_recent_), keep_recent_);
  std::map<Version, bool> unpinned;  // value: whether the log after the snapshot is certainly kept
  for (const std::vector<SnapshotRow>* rows : {&std::as_const(snapshots_), &now}) {
    for (const SnapshotRow& r : *rows) {
      if (r.version == removal_.deleted || (removal_.rolled_to && r.version > *removal_.rolled_to)) continue;
      const bool pinned =
          std::any_of(pins_.begin(), pins_.end(), [&](const auto& p) { return p.second == r.version; });
      if (pinned && r.version != now.back().version) continue;
      unpinned[r.version] =
          std::find(once_pinned_.begin(), once_pinned_.end(), r.version) == once_pinned_.end();
    }
  }
  // A background snapshot may have pushed out an older one, and may have been removed or pinned since.
  const bool unseen = Automatic() && (removal_.deleted || removal_.rolled_to || removal_.pinned);
  uint64_t newer = 0;
  for (auto it = unpinned.rbegin(); it != unpinned.rend(); ++it, ++newer) {
    const bool there =
        std::any_of(now.begin(), now.end(), [&](const auto& r) { return r.version == it->first; });
    const bool recent = !removal_.keep || newer <= *removal_.keep;
    if (recent && it->second && !unseen) {
      EXPECT_TRUE(there) << "snapshot " << it->first.value() << " is missing";
    }
    // Where nothing prunes in the background, the removed snapshots are known exactly.
    if (!recent && !Automatic() && !config_.fills_up) {
      EXPECT_FALSE(there) << "snapshot " << it->first.value() << " should have been removed";
    }
  }
  removal_ = {};
}

void ModelStore::CheckVersion(Version version) {
  SCOPED_TRACE("version " + ToString(version));
  const Result<std::shared_ptr<const ReadView>> view = engine_->OpenView(version);
  if (!MayUse(version, view.status())) {
    EXPECT_STATUS(view, StatusCode::kVersionUnreachable);
    return;
  }
  ASSERT_OK(view);
  EXPECT_EQ((*view)->version(), version);
  CheckWhole({*engine_, *view, model_.At(version)});
}

void ModelStore::CheckEveryVersion() {
  CheckWhole({*engine_, nullptr, model_.At(model_.tip())});
  const auto ranges = reachable_;
  for (const auto& [first, last] : ranges) {
    for (Version v = first; v <= last; v = Next(v)) {
      CheckVersion(v);
      if (testing::Test::HasFailure()) return;
    }
  }
}

void ModelStore::CheckCommitRecord(Version version) {
  const Result<CommitRecord> record = engine_->GetCommit(version);
  // An open view answers for its version, also after a prune of it.
  const bool held =
      std::any_of(held_.begin(), held_.end(), [&](const Held& h) { return h.version == version; });
  if (!MayUse(version, record.status()) && !held) {
    EXPECT_STATUS(record, StatusCode::kVersionUnreachable);
    return;
  }
  ASSERT_OK(record);
  EXPECT_EQ(record->version, version);
  EXPECT_NE(record->time_unix_ms, 0);
  if (version > model_.initial()) {
    EXPECT_EQ(record->metadata, model_.metadata(version));
  }
}

void ModelStore::ExportAndImport(Version version) {
  SCOPED_TRACE("export of version " + ToString(version));
  const std::string out = dir_ + ".export", copy = dir_ + ".import", again = dir_ + ".export2";
  for (const std::string& path : {out, copy, again}) fs::remove_all(path);
  constexpr uint64_t kChunkBytes = 1 << 20;
  const Status exported =
      engine_->Export({.version = version, .out = out, .chunk_bytes = kChunkBytes, .progress = {}});
  if (!MayUse(version, exported)) {
    EXPECT_STATUS(exported, StatusCode::kVersionUnreachable);
    return;
  }
  ASSERT_OK(exported);

  FormatOptions format;
  format.capacity_bytes = 256ull << 20;
  format.inline_bytes = 300;
  format.env.logger = &logger_;
  const Result<FormatResult> imported = ImportStore(copy, {.in = out, .format = format, .progress = {}});
  ASSERT_OK(imported);
  EXPECT_EQ(imported->version, version);
  OpenOptions open;
  open.env.logger = &logger_;
  {
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Engine> store, Engine::Open(copy, open));
    EXPECT_EQ(store->version(), version);
    // An import does not keep the versions that wrote the keys: all keys are written by the imported version.
    ModelState state = model_.At(version);
    for (auto& [key, entry] : state) entry.written_by = version;
    CheckWhole({*store, nullptr, state});
    ASSERT_OK(store->Export({.version = version, .out = again, .chunk_bytes = kChunkBytes, .progress = {}}));
    ASSERT_OK(store->Close());
  }
  ASSERT_OK_AND_ASSIGN(const CheckReport report, CheckStore(copy, {.deep = true}, open));
  EXPECT_TRUE(report.ok()) << report.findings.front().message;
  for (const fs::directory_entry& file : fs::directory_iterator(out)) {
    const std::string name = file.path().filename();
    if (name == "ORIGIN") continue;
    EXPECT_EQ(ReadWholeFile(file.path()), ReadWholeFile(fs::path(again) / name)) << name;
  }
  for (const std::string& path : {out, copy, again}) fs::remove_all(path);
}

}  // namespace rawkv
