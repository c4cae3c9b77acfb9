// FaultSession's steps on a closed store, and the judgement at the end.
#include <algorithm>
#include <set>

#include "engine/admin/inspect.h"
#include "engine/admin/repair.h"
#include "engine/api/results.h"
#include "engine/recovery/lost_identity.h"
#include "engine/transfer/transfer.h"
#include "tests/crash/faults_session.h"
#include "tests/crash/sim_judge.h"
#include "tests/support/sim/crash_plan.h"

namespace rawkv {
namespace {

// The versions that both promises reach. A removed pin makes versions unreachable, and the disk may have
// either state.
std::vector<std::pair<Version, Version>> ReachedByBoth(const Promise& now, const Promise& then) {
  std::vector<std::pair<Version, Version>> out;
  for (Version v = now.model.initial(); v <= now.model.tip(); v = Next(v)) {
    if (now.Reaches(v) && (v > then.model.tip() || then.Reaches(v))) out.emplace_back(v, v);
  }
  return out;
}

}  // namespace

void FaultSession::OfflineRollback(Version target) {
  BeginStep("offline rollback");
  Promise after = now_;
  after.model.RollBackTo(target);
  after.durable = target;
  after.reachable.clear();
  if (AcceptAnswer(
          rawkv::OfflineRollback(SimStore::kDir, target, {}, SimStore::Options(world_.env(), config_)))) {
    now_ = after;
  } else {
    doubt_ = after;
  }
}

namespace {

Status Restore(const Environment& env, const SimConfig& config) {
  OpenOptions options = SimStore::Options(env, config);
  options.device = "/device";  // without STORE, nothing else names it
  return RestoreIdentity(SimStore::kDir, options);
}

}  // namespace

void FaultSession::Restore() {
  BeginStep("restore");
  unrestored_ = !AcceptAnswer(rawkv::Restore(world_.env(), config_));
}

void FaultSession::Import() {
  BeginStep("import");
  const auto& [in, copy] = *now_.exports.begin();
  const Result<FormatResult> made = ImportStore(
      "/import0", {.in = in, .format = SimStore::FormatFor(world_.env(), config_, "/import-device")});
  if (AcceptAnswer(made.status())) {
    now_.imports["/import0"] = copy;
    return;
  }
  copies_["/import0"] = copy;
}

void FaultSession::Check() {
  BeginStep("fsck");
  const Result<CheckReport> report =
      CheckStore(SimStore::kDir, {.deep = true}, SimStore::Options(world_.env(), config_));
  if (!AcceptAnswer(report.status())) return;
  const bool failed = world_.plane().failures() != failures_before_;
  if (!report->ok()) {
    RecordOutcome("finding");
    if (!failed) Fail("a finding though no operation failed: " + report->findings.front().message);
  }
}

void FaultSession::InspectClosedStore() {
  const OpenOptions options = SimStore::Options(world_.env(), config_);
  BeginStep("inspect");
  const Result<EngineInfo> info = InspectStore(SimStore::kDir, options);
  if (AcceptAnswer(info.status()) && info->version != now_.model.tip() &&
      world_.plane().failures() == failures_before_) {
    Fail("version " + ToString(info->version));
  }
  BeginStep("snapshot list");
  (void)AcceptAnswer(ListSnapshots(SimStore::kDir, options).status());
  BeginStep("snapshot verify");
  const Result<std::vector<SnapshotVerdict>> verdicts =
      VerifySnapshots(SimStore::kDir, std::nullopt, options);
  if (AcceptAnswer(verdicts.status())) {
    for (const SnapshotVerdict& v : *verdicts) {
      if (v.errors.empty()) continue;
      RecordOutcome("finding");
      if (world_.plane().failures() == failures_before_)
        Fail("damage though no operation failed: " + v.errors.front());
    }
  }
  BeginStep("log list");
  (void)AcceptAnswer(ListLog(SimStore::kDir, options).status());
  BeginStep("log dump");
  uint64_t rows = 0;
  const Status dumped = DumpLog(SimStore::kDir, options, [&](const LogRecordRow&) {
    ++rows;
    return Status::Ok();
  });
  if (AcceptAnswer(dumped) && rows != now_.model.tip().value()) Fail(std::to_string(rows) + " records");
}

void FaultSession::OpenReadOnly() {
  BeginStep("open read-only");
  OpenOptions options = SimStore::Options(world_.env(), config_);
  options.read_only = true;
  {
    Result<std::unique_ptr<Engine>> engine = Engine::Open(SimStore::kDir, options);
    if (!AcceptAnswer(engine.status())) return;
    if ((*engine)->version() != now_.model.tip()) Fail("opened at " + ToString((*engine)->version()));
    BeginStep("read-only");
    for (const auto& [key, entry] : now_.model.At(now_.model.tip())) {
      failures_before_ = world_.plane().failures();
      const Result<Value> value = (*engine)->Get(key);
      if (AcceptAnswer(value.status()) && !DiffValue(entry.value, value->bytes).empty())
        Fail("a wrong value");
    }
    failures_before_ = world_.plane().failures();
    (void)AcceptAnswer((*engine)->Refresh());
    if ((*engine)->version() != now_.model.tip()) Fail("refreshed to " + ToString((*engine)->version()));
    failures_before_ = world_.plane().failures();
    (void)AcceptAnswer((*engine)->Close());
  }
  AwaitBackgroundWork();
}

void FaultSession::Format() {
  BeginStep("format");
  unformatted_ = !AcceptAnswer(
      Engine::Format(SimStore::kDir, SimStore::FormatFor(world_.env(), config_, "/device")).status());
  AwaitBackgroundWork();
}

std::string FaultSession::Judge(uint64_t seed, bool thorough, uint64_t cuts) {
  if (!problem_.empty()) return problem_;
  AwaitBackgroundWork();
  const std::map<std::string, DiskImage> images = PowerCuts(seed, cuts);
  world_.plane().SetStep("close");
  const Version durable = now_.durable;
  if (engine_ != nullptr) Close();
  if (!problem_.empty()) return problem_;
  world_.plane().Disarm();
  no_compaction_.reset();
  std::string problem;
  if (thorough || seed % 3 == 0) problem = JudgeImage(world_.disk().Image(), false, seed, thorough);
  if (!problem.empty()) return "reopened: " + problem;
  now_.durable = durable;
  if (!thorough && seed % 3 == 0) return "";
  for (const auto& [plan, image] : images) {
    problem = JudgeImage(image, true, seed + 1, thorough);
    if (!problem.empty()) return "after a power cut (" + plan + "): " + problem;
  }
  return "";
}

// Builds `cuts` crash states: unsynced changes are all lost or partly kept. A single cut is one or the other.
// The result maps descriptions to images, without duplicates.
std::map<std::string, DiskImage> FaultSession::PowerCuts(uint64_t seed, uint64_t cuts) {
  std::vector<CrashPlan> plans;
  if (cuts > 1 || seed % 2 == 0) plans.push_back({});
  while (plans.size() < cuts) {
    plans.push_back({Fate::kRandom, Fate::kRandom, Fate::kRandom, 512, seed + plans.size()});
  }
  const CrashStates states = world_.AtPowerCut(start_.image);
  std::map<std::string, DiskImage> images;
  std::set<uint64_t> seen;
  for (const CrashPlan& plan : plans) {
    DiskImage image = Crash(states, plan);
    if (seen.insert(image.Hash()).second) images.emplace(Describe(plan), std::move(image));
  }
  return images;
}

// Finds out from the image which commits of a group were applied and in which order, and sets the model in
// doubt accordingly.
void FaultSession::ResolveGroupInDoubt(const DiskImage& image) {
  SimWorld world(image, 7);
  const Result<std::unique_ptr<Engine>> engine =
      Engine::Open(SimStore::kDir, SimStore::Options(world.env(), config_));
  if (!engine.ok()) return;  // the judge reports it
  std::map<Version, const ModelBatch*> order;
  for (const ModelBatch& batch : group_doubt_) {
    const Result<Value> value = (*engine)->Get(batch.ops.front().key);
    if (value.ok()) order[value->written_by] = &batch;
  }
  doubt_ = now_;
  for (const auto& [version, batch] : order) doubt_->model.Commit(*batch);
  (void)(*engine)->Close();
}

std::string FaultSession::JudgeImage(const DiskImage& image, bool power_cut, uint64_t seed, bool thorough) {
  if (unformatted_) return JudgeUnformatted(image, seed);
  if (unrestored_) return JudgeUnrestored(image, power_cut, seed, thorough);
  if (!group_doubt_.empty()) ResolveGroupInDoubt(image);
  Promise before = now_;
  if (!power_cut) before.durable = before.model.tip();
  if (shrunk_) before.reachable = {{before.model.tip(), before.model.tip()}};
  if (power_cut && before_unpin_) before.reachable = ReachedByBoth(before, *before_unpin_);
  Promise after = doubt_.value_or(before);
  for (const auto& copy : copies_) {
    (copy.first.starts_with("/export") ? after.exports : after.imports).insert(copy);
  }
  const uint64_t chance = seed / 7;
  const Scrutiny scrutiny{.check_before = !start_.damaged && (thorough || chance % 3 == 0),
                          .every_version = thorough || chance % 4 == 0,
                          .every_copy = thorough || chance % 4 == 1,
                          .continue_working = thorough || chance % 3 == 1};
  const Verdict verdict = rawkv::Judge(image, {.before = &before, .after = &after}, config_, scrutiny, seed);
  if (verdict.problem.empty()) return "";
  return verdict.problem + "\nlog of the engine in the judgement:\n" + verdict.log;
}

// After a failed restoration, another one makes the rest.
std::string FaultSession::JudgeUnrestored(const DiskImage& image, bool power_cut, uint64_t seed,
                                          bool thorough) {
  SimWorld world(image, seed);
  const Status done = rawkv::Restore(world.env(), config_);
  if (!done.ok()) return "restore again: " + done.ToString();
  unrestored_ = false;
  const std::string problem = JudgeImage(world.disk().Image(), power_cut, seed, thorough);
  unrestored_ = true;
  return problem;
}

// After a failed format the disk has no store, or a whole one if the format failed at its end. A repeated
// format must succeed.
std::string FaultSession::JudgeUnformatted(const DiskImage& image, uint64_t seed) {
  SimWorld world(image, seed);
  const OpenOptions options = SimStore::Options(world.env(), config_);
  {
    const Result<std::unique_ptr<Engine>> engine = Engine::Open(SimStore::kDir, options);
    if (!engine.ok() && engine.status().code() != StatusCode::kNotFound) {
      return "a format that failed left: " + engine.status().ToString();
    }
    if (engine.ok() && (*engine)->version() != Version(0)) return "a new store is not empty";
  }
  FormatOptions again = SimStore::FormatFor(world.env(), config_, "/device");
  again.force = true;
  const Result<FormatResult> made = Engine::Format(SimStore::kDir, again);
  if (!made.ok()) return "format again: " + made.status().ToString();
  unformatted_ = false;
  const std::string problem = JudgeImage(world.disk().Image(), false, seed, true);
  unformatted_ = true;
  return problem;
}

}  // namespace rawkv
