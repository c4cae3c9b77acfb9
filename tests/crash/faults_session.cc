#include "tests/crash/faults_session.h"

#include <algorithm>

namespace rawkv {
namespace {

// Whether an error may come from a failure in an earlier step, and lasts until the store is reopened.
bool IsLasting(const std::string& message) {
  for (const char* const text : {
           "/store/working/index stopped writing until",  // a flush or compaction in the background failed
           "writing to index /store/working/index: ",     // the same, from RocksDB itself
           "an earlier flush failed",                     // of the device
           "the filesystem was full when the store was opened",
       }) {
    if (message.find(text) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

FaultSession::FaultSession(const FaultStart& start, const SimConfig& config, uint64_t seed,
                           std::vector<PlannedFault> faults)
    : start_(start), config_(config), world_(start.image, seed, std::move(faults)), now_(start.promise) {
  next_value_ = seed << 20;
  AwaitBackgroundWork();
}

FaultSession::~FaultSession() {
  world_.plane().Disarm();
  engine_.reset();
  no_compaction_.reset();
  AwaitIndexThreads();
}

void FaultSession::AwaitBackgroundWork() {
  no_compaction_.reset();
  AwaitIndexThreads();
  no_compaction_.emplace(IndexPool::kCompaction);
}

ModelOp FaultSession::Put(const std::string& key, uint64_t bytes) {
  return {.kind = ModelOp::Kind::kPut, .key = key, .value = {++next_value_, bytes}};
}

void FaultSession::BeginStep(const std::string& step) {
  step_ = step;
  failures_before_ = world_.plane().failures();
  world_.plane().SetStep(step);
}

void FaultSession::RecordOutcome(const char* outcome) {
  // Keeps the first outcome.
  if (outcome_ == "absorbed") outcome_ = outcome;
}

void FaultSession::Fail(const std::string& what) {
  if (problem_.empty()) problem_ = step_ + ": " + what;
}

bool FaultSession::AcceptAnswer(const Status& status) {
  if (status.ok()) return true;
  const bool failed_now = world_.plane().failures() != failures_before_;
  switch (status.code()) {
    case StatusCode::kPoisoned:
      RecordOutcome("poisoned");
      // A background flush may have failed in an earlier step.
      if (!poisoned_ && world_.plane().failures() == 0)
        Fail("poisoned though no operation failed: " + status.ToString());
      poisoned_ = true;
      return false;
    case StatusCode::kIoError:
    case StatusCode::kNoSpace:
      RecordOutcome(engine_ == nullptr                      ? "refused"
                    : status.code() == StatusCode::kNoSpace ? "no space"
                                                            : "I/O error");
      if (world_.plane().failures() != 0 && IsLasting(status.message())) poisoned_ = true;
      if (!failed_now && !poisoned_) Fail("failed though nothing below did: " + status.ToString());
      return false;
    default:
      Fail("not an answer to a failed operation: " + status.ToString());
      return false;
  }
}

void FaultSession::Open() {
  if (unrestored_) return;
  BeginStep("open");
  Result<std::unique_ptr<Engine>> engine =
      Engine::Open(SimStore::kDir, SimStore::Options(world_.env(), config_));
  if (!AcceptAnswer(engine.status())) return;
  engine_ = *std::move(engine);
  poisoned_ = false;
  now_.durable = now_.model.tip();
  CheckAfterStep();
}

void FaultSession::Close() {
  if (engine_ == nullptr) return;
  BeginStep("close");
  (void)AcceptAnswer(engine_->Close());
  engine_.reset();
  AwaitBackgroundWork();
}

void FaultSession::CheckAfterStep() {
  AwaitBackgroundWork();
  if (engine_ == nullptr) return;
  world_.plane().SetStep("info");
  reachable_known_ = false;
  const uint64_t before = world_.plane().failures();
  const Result<EngineInfo> info = engine_->Info();
  if (info.ok()) {
    reachable_known_ = true;
    now_.reachable = info->reachable;
    now_.durable = info->durable_version;
    shrunk_ = false;
    if (info->version != now_.model.tip()) {
      Fail("the store is at version " + ToString(info->version) + ", acknowledged was " +
           ToString(now_.model.tip()));
    }
    if (info->health != "ok") poisoned_ = true;
  } else if (info.status().code() != StatusCode::kPoisoned && world_.plane().failures() == before) {
    Fail("no information though nothing below failed: " + info.status().ToString());
  }
  CheckReads();
}

// Reads work after any failure: an answered read must be right, and a read may fail only if an operation
// below it failed.
void FaultSession::CheckReads() {
  if (engine_ == nullptr || !problem_.empty()) return;
  world_.plane().SetStep("get");
  const ModelState state = now_.model.At(now_.model.tip());
  for (const std::string key : {"p0", "p1", "p2", "i0", "i1", "i-new", "p-new", "absent"}) {
    const uint64_t before = world_.plane().failures();
    const Result<Value> value = engine_->Get(key);
    const auto expected = state.find(key);
    if (value.ok()) {
      if (expected == state.end()) return Fail("key " + key + " should not be there");
      const std::string difference = DiffValue(expected->second.value, value->bytes);
      if (!difference.empty()) return Fail("key " + key + ": " + difference);
      continue;
    }
    if (value.status().code() == StatusCode::kNotFound && expected == state.end()) continue;
    const bool failed = world_.plane().failures() != before;
    const bool dead = value.status().code() == StatusCode::kPoisoned;
    if (dead && doubt_) return;  // a rollback could not reopen the store
    if (!failed || value.status().code() == StatusCode::kNotFound ||
        value.status().code() == StatusCode::kCorruption) {
      return Fail("key " + key + ": " + value.status().ToString());
    }
  }
}

void FaultSession::Sync() {
  if (engine_ == nullptr) return;
  BeginStep("sync");
  if (AcceptAnswer(engine_->Sync())) {
    now_.durable = now_.model.tip();
  } else {
    poisoned_ = true;
  }
  CheckAfterStep();
}

void FaultSession::Snapshot() {
  if (engine_ == nullptr) return;
  BeginStep("snapshot");
  const Result<Version> made = engine_->CreateSnapshot();
  (void)AcceptAnswer(made.status());
  shrunk_ = true;
  if (made.ok() && *made != now_.model.tip()) Fail("the snapshot is of version " + ToString(*made));
  CheckAfterStep();
}

void FaultSession::Prune() {
  if (engine_ == nullptr) return;
  BeginStep("prune");
  (void)AcceptAnswer(engine_->Prune(0).status());
  shrunk_ = true;
  CheckAfterStep();
}

void FaultSession::Pin(const std::string& name, std::optional<Version> version) {
  if (engine_ == nullptr) return;
  BeginStep(version ? "pin" : "pin the tip");
  (void)AcceptAnswer(engine_->Pin(name, version).status());
  CheckAfterStep();
}

// The version before the tip has no snapshot. Its number depends on the commits that have failed.
void FaultSession::PinBeforeTip(const std::string& name) {
  Pin(name, Previous(now_.model.tip()));
}

void FaultSession::Unpin(const std::string& name) {
  if (engine_ == nullptr) return;
  BeginStep("unpin");
  const Promise before = now_;
  const Status status = engine_->Unpin(name);
  // kFailedPrecondition is right if the pin itself failed.
  if (status.code() != StatusCode::kFailedPrecondition && !AcceptAnswer(status) && !before_unpin_) {
    before_unpin_ = before;
  }
  shrunk_ = true;
  CheckAfterStep();
}

void FaultSession::DeleteSnapshot(Version version) {
  if (engine_ == nullptr) return;
  BeginStep("delete snapshot");
  (void)AcceptAnswer(engine_->DeleteSnapshot(version));
  shrunk_ = true;
  CheckAfterStep();
}

void FaultSession::ReadOld(Version version) {
  if (engine_ == nullptr) return;
  BeginStep("view");
  (void)AcceptAnswer(engine_->EstimateView(version).status());
  failures_before_ = world_.plane().failures();
  {
    const Result<std::shared_ptr<const ReadView>> view = engine_->OpenView(version);
    if (!AcceptAnswer(view.status())) return CheckAfterStep();
    for (const auto& [key, entry] : now_.model.At(version)) {
      failures_before_ = world_.plane().failures();
      const Result<Value> value = engine_->Get(key, {.view = view->get()});
      if (!AcceptAnswer(value.status())) continue;
      const std::string difference = DiffValue(entry.value, value->bytes);
      if (!difference.empty()) Fail("key " + key + ": " + difference);
    }
    failures_before_ = world_.plane().failures();
    (void)AcceptAnswer(engine_->GetCommit(version).status());
    ReadHistory();
    ReadDifferences(version);
  }
  CheckAfterStep();
}

// The keys in which a version differs from the tip must be those of the model.
void FaultSession::ReadDifferences(Version from) {
  using Writers = std::pair<std::optional<Version>, std::optional<Version>>;
  const auto writer = [](const auto& state) {
    return state ? std::optional(state->written_by) : std::nullopt;
  };
  std::map<std::string, Writers> expected, found;
  for (const auto& [key, entry] : now_.model.At(from)) expected[key].first = entry.written_by;
  for (const auto& [key, entry] : now_.model.At(now_.model.tip())) expected[key].second = entry.written_by;
  std::erase_if(expected, [](const auto& item) { return item.second.first == item.second.second; });
  failures_before_ = world_.plane().failures();
  const Status status =
      engine_->Diff({.from = from, .to = now_.model.tip()}, [&](const KeyDifference& difference) {
        found[difference.key] = {writer(difference.from), writer(difference.to)};
        return Status::Ok();
      });
  if (AcceptAnswer(status) && found != expected) Fail("the difference to version " + ToString(from));
}

// The history must be without a gap from the tip down to the oldest version of the log's last segments.
void FaultSession::ReadHistory() {
  failures_before_ = world_.plane().failures();
  Version expected = now_.model.tip();
  (void)AcceptAnswer(engine_->ReadHistory({.limit = 5}, [&](const HistoryEntry& entry) {
    if (expected == now_.model.tip() && entry.commit.version != expected) Fail("the history lacks the tip");
    if (entry.commit.version > expected) Fail("the history is not in order");
    expected = Previous(entry.commit.version);
    return Status::Ok();
  }));
  failures_before_ = world_.plane().failures();
  (void)AcceptAnswer(engine_->FindVersionAt(UINT64_MAX).status());
}

void FaultSession::ChangeSettings() {
  if (engine_ == nullptr) return;
  BeginStep("change settings");
  (void)AcceptAnswer(engine_
                         ->ChangeSettings({.snapshot_log_bytes = 1 << 20,
                                           .keep_recent = 7,
                                           .keep_tiers = KeepTiers{{3600, 86400}},
                                           .history_bytes_max = 1ull << 40})
                         .status());
  failures_before_ = world_.plane().failures();
  (void)AcceptAnswer(engine_->AcknowledgeGivenUp());  // there is nothing to acknowledge
  CheckAfterStep();
}

void FaultSession::GiveUpHistory() {
  if (engine_ == nullptr) return;
  BeginStep("give up history");
  (void)AcceptAnswer(engine_->ChangeSettings({.keep_recent = 7, .history_bytes_max = 1}).status());
  failures_before_ = world_.plane().failures();
  (void)AcceptAnswer(engine_->CreateSnapshot().status());
  shrunk_ = true;
  CheckAfterStep();
}

void FaultSession::AcknowledgeGivenUp() {
  if (engine_ == nullptr) return;
  BeginStep("acknowledge");
  const auto noticed = [this]() -> std::optional<bool> {
    world_.plane().SetStep("info");
    const Result<EngineInfo> info = engine_->Info();
    world_.plane().SetStep("acknowledge");
    if (!info.ok()) return std::nullopt;
    return info->given_up.has_value();
  };
  const std::optional<bool> before = noticed();
  if (world_.plane().failures() == 0 && before != true) Fail("no history was given up: the step is blind");
  failures_before_ = world_.plane().failures();
  const bool forgotten = AcceptAnswer(engine_->AcknowledgeGivenUp());
  if (forgotten && noticed() == true) Fail("the notice is still there");
  CheckAfterStep();
}

void FaultSession::Trim() {
  if (engine_ == nullptr) return;
  BeginStep("trim");
  (void)AcceptAnswer(engine_->TrimDevice().status());
  CheckAfterStep();
}

void FaultSession::Grow() {
  if (engine_ == nullptr) return;
  BeginStep("grow");
  const uint64_t capacity = (config_.slots + 18 + 4) * 4096;
  const Result<GrowReport> report = engine_->GrowDevice({.capacity_bytes = capacity});
  if (AcceptAnswer(report.status()) && report->slots != config_.slots + 4) {
    Fail("grown to " + std::to_string(report->slots) + " slots");
  }
  CheckAfterStep();
}

void FaultSession::Checkpoint() {
  if (engine_ == nullptr) return;
  BeginStep("checkpoint");
  (void)AcceptAnswer(engine_->WriteCheckpoint().status());
  CheckAfterStep();
}

void FaultSession::ReadTip() {
  if (engine_ == nullptr) return;
  BeginStep("read");
  const ModelState state = now_.model.At(now_.model.tip());
  std::vector<std::string_view> keys;
  for (const auto& entry : state) keys.push_back(entry.first);
  const std::vector<Result<Value>> values = engine_->MultiGet(keys);
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!AcceptAnswer(values[i].status())) continue;
    const std::string difference = DiffValue(state.find(keys[i])->second.value, values[i]->bytes);
    if (!difference.empty()) Fail("key " + std::string(keys[i]) + ": " + difference);
  }
  std::vector<std::string> buffers;
  std::vector<SessionRead> reads;
  for (const auto& entry : state) buffers.emplace_back(entry.second.value.bytes, '\0');
  for (size_t i = 0; i < keys.size(); ++i) reads.push_back({keys[i], AsWritableBytes(buffers[i])});
  const std::vector<SessionAnswer> answers = engine_->MultiGetInto(reads);
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!AcceptAnswer(answers[i].status)) continue;
    const std::string difference = DiffValue(state.find(keys[i])->second.value, buffers[i]);
    if (!difference.empty()) Fail("key " + std::string(keys[i]) + ": " + difference);
  }
  const Result<std::unique_ptr<Iterator>> it = engine_->NewIterator();
  if (AcceptAnswer(it.status())) {
    auto expected = state.begin();
    for ((*it)->SeekToFirst(); (*it)->Valid(); (*it)->Next(), ++expected) {
      if (expected == state.end() || (*it)->key() != expected->first)
        return Fail("the iterator shows another key");
      const Result<std::string> value = (*it)->ReadValue();
      if (AcceptAnswer(value.status()) && !DiffValue(expected->second.value, *value).empty())
        Fail("a wrong value");
    }
    if (AcceptAnswer((*it)->status()) && expected != state.end()) Fail("the iterator ended early");
  }
  CheckAfterStep();
}

void FaultSession::Rollback(Version target) {
  if (engine_ == nullptr) return;
  BeginStep("rollback");
  const Version before = now_.model.tip();
  const bool was_poisoned = poisoned_;
  Promise after = now_;
  after.model.RollBackTo(target);
  after.durable = target;
  after.reachable.clear();
  const Status status = engine_->Rollback(target, {.drop_pins = true});
  AwaitBackgroundWork();
  if (AcceptAnswer(status)) {
    now_ = after;
  } else if (!was_poisoned) {
    const Status readable = engine_->Exists("i0").status();
    if (readable.code() == StatusCode::kPoisoned || poisoned_) {
      outcome_ = readable.code() == StatusCode::kPoisoned ? "dead" : "poisoned";
      poisoned_ = true;
      doubt_ = after;
    } else if (engine_->version() != before) {
      Fail("an error, yet the store is at version " + ToString(engine_->version()));
    }
  }
  CheckAfterStep();
}

void FaultSession::Export(Version version) {
  if (engine_ == nullptr) return;
  BeginStep(version == now_.model.tip() ? "export" : "export of an old version");
  const std::string out = "/export-" + ToString(version);
  const Promise::Copy copy{version, now_.model.At(version)};
  if (AcceptAnswer(engine_->Export({.version = version, .out = out, .chunk_bytes = 1 << 20}))) {
    now_.exports[out] = copy;
  } else {
    copies_[out] = copy;
  }
  CheckAfterStep();
}

}  // namespace rawkv
