// The work of the coordinator while all workers are parked: no call is under way, so that every answer is
// determined.
#include <fcntl.h>

#include <algorithm>

#include "engine/admin/inspect.h"
#include "engine/api/results.h"
#include "tests/stress/coordinator.h"
#include "tests/support/sanitized.h"

namespace rawkv::stress {
namespace {

using Call = CallBoard::Call;

// The first reopens, which give the baseline for later ones.
constexpr uint64_t kWarmUpReopens = 4;
constexpr uint64_t kDescriptorsMore = 4;
constexpr uint64_t kThreadsMore = 8;
constexpr uint64_t kFilesMore = 64;
constexpr uint64_t kMetadataKibMore = 64 << 10;
constexpr uint64_t kRssMibMore = 256;

}  // namespace

void Coordinator::Reopen() {
  world_.gate.Close();
  ++reopens_;
  const bool keep_nothing = reopens_ % 3 == 0;
  JudgeTip("before a close");
  if (world_.options.Has("plan") && world_.options.Has("rollback")) ComparePlanWithRollback();
  if (keep_nothing) UnpinAndPruneAll();
  if (!world_.Done()) CloseStore();
  if (!world_.Done()) CheckClosedStore();
  if (!world_.Done()) JudgeResources(keep_nothing);
  if (!world_.Done() && world_.options.Has("read_only") && rng_.OneIn(2)) ReopenReadOnly();
  if (!world_.Done() && OpenStore()) {
    JudgeTip("after a reopen");
    if (!world_.Done()) JudgeOldVersions();
  }
  if (world_.engine == nullptr) world_.stop = true;
  world_.gate.Open();
}

void Coordinator::JudgeTip(const char* when) {
  const size_t thread = world_.options.threads;
  world_.Settle(thread, true);
  const Version tip = world_.history.tip();
  if (world_.engine->version() != tip) {
    return world_.Violation("version() is " + ToString(world_.engine->version()) + " " + when +
                            ", the acknowledged commits lead to " + ToString(tip));
  }
  const std::optional<HeldView> held = HeldView::Open(world_, thread, std::nullopt);
  if (!held) return;
  const std::optional<ModelState> content = world_.ReadContent(thread, held->view(), false);
  if (!content) return;
  const std::string difference = World::FirstDifference(world_.history.At(tip), *content);
  if (!difference.empty()) world_.Violation("the tip " + ToString(tip) + " " + when + ": " + difference);
}

// Nothing changes between the plan and the rollback, so that they must agree for every kind of blocker.
void Coordinator::ComparePlanWithRollback() {
  const size_t thread = world_.options.threads;
  const auto maybe_open = [&](uint64_t one_in, std::optional<Version> version) -> std::optional<HeldView> {
    if (!rng_.OneIn(one_in)) return std::nullopt;
    return HeldView::Open(world_, thread, version);
  };
  const std::optional<HeldView> tip_view = maybe_open(2, std::nullopt);
  for (uint64_t n = rng_.Below(4); n > 0; --n) own_.Commit();
  const uint64_t tip = world_.engine->version().value();
  const Version target(tip - std::min(rng_.Below(6), tip - kInitialVersion.value()));
  const Version older(tip - std::min(rng_.Below(6), tip - kInitialVersion.value()));
  const std::optional<HeldView> old_view = maybe_open(3, older);
  const RollbackOptions options{.drop_pins = rng_.OneIn(2)};
  const Call call(world_.board, thread, "PlanRollback and Rollback", target.value());
  const Result<RollbackPlan> plan = world_.engine->PlanRollback(target, options);
  const uint64_t ticket = world_.history.BeginRollback(target);
  const Status done = world_.engine->Rollback(target, options);
  const std::string wrong = world_.history.EndRollback(ticket, done.ok());
  if (!wrong.empty()) world_.Violation(wrong);
  world_.tally.Count("plan_and_rollback", done.code());
  std::string planned;
  if (!plan.ok()) {
    planned = plan.status().ToString();
  } else {
    for (const std::string& blocker : plan->blocked_by) planned += (planned.empty() ? "" : ", ") + blocker;
  }
  if (plan.ok() && (plan->from != Version(tip) || plan->to != target || plan->base > target)) {
    world_.Violation("PlanRollback to version " + ToString(target) + " from " + std::to_string(tip) +
                     " plans from " + ToString(plan->from) + " to " + ToString(plan->to) + " on snapshot " +
                     ToString(plan->base));
  }
  const StatusCode expected = !plan.ok()                 ? plan.status().code()
                              : plan->blocked_by.empty() ? StatusCode::kOk
                                                         : StatusCode::kFailedPrecondition;
  if (done.code() != expected) {
    world_.Violation("Rollback to version " + ToString(target) + " from " + std::to_string(tip) +
                     " answered " + done.ToString() + "; the plan just before: blocked by (" + planned + ")");
  }
  if (done.ok()) world_.Settle(thread, true);
}

void Coordinator::UnpinAndPruneAll() {
  const Call call(world_.board, world_.options.threads, "Unpin and Prune");
  for (uint64_t n = 0; n < 3; ++n) {
    (void)world_.Expect("unpin", world_.engine->Unpin("pin-" + std::to_string(n)),
                        {StatusCode::kFailedPrecondition});
  }
  (void)world_.Expect("snapshot", world_.engine->CreateSnapshot().status(), {});
  (void)world_.Expect("prune", world_.engine->Prune(0).status(), {});
}

void Coordinator::CloseStore() {
  const Call call(world_.board, world_.options.threads, "Close");
  (void)world_.Expect("close", world_.engine->Close(), {});
  (void)world_.Expect("close", world_.engine->Close(), {}, "the second time");
  world_.engine.reset();
}

void Coordinator::CheckClosedStore() {
  const Call call(world_.board, world_.options.threads, "CheckStore");
  const Result<CheckReport> report = CheckStore(world_.store_dir(), {.deep = true}, world_.open);
  if (!world_.Expect("check_store", report.status(), {})) return;
  for (const Finding& finding : report->findings) {
    world_.Violation("fsck after a close: " + finding.kind + " " + finding.where + ": " + finding.message);
  }
}

void Coordinator::ReopenReadOnly() {
  const size_t thread = world_.options.threads;
  OpenOptions open = world_.open;
  open.read_only = true;
  {
    const Call call(world_.board, thread, "Open(read_only)");
    Result<std::unique_ptr<Engine>> opened = Engine::Open(world_.store_dir(), open);
    if (!world_.Expect("open_read_only", opened.status(), {})) return;
    world_.engine = *std::move(opened);
  }
  JudgeTip("when open for reading only");
  const CommitResult refused = world_.engine->Commit(WriteBatch());
  if (refused.status.code() != StatusCode::kFailedPrecondition ||
      refused.outcome != CommitOutcome::kNotApplied) {
    world_.Violation("a commit to an engine that is open for reading only: " + refused.status.ToString());
  }
  CloseStore();
}

void Coordinator::JudgeOldVersions() {
  const size_t thread = world_.options.threads;
  const Result<EngineInfo> info = [&] {
    const Call call(world_.board, thread, "Info");
    return world_.engine->Info();
  }();
  if (!world_.Expect("info", info.status(), {}) || info->reachable.empty()) return;
  if (info->durable_version != info->version) world_.Violation("after a reopen the tip is not durable");
  world_.history.ForgetBelow(info->reachable.front().first);
  world_.oldest = info->reachable.back().first.value();
  for (int n = 0; n < 3; ++n) {
    const auto& [first, last] = info->reachable[rng_.Below(info->reachable.size())];
    const Version version(rng_.Between(first.value(), last.value()));
    const std::optional<HeldView> held = HeldView::Open(world_, thread, version);
    if (!held)
      return world_.Violation("version " + ToString(version) + " is reachable, but no view of it opens");
    const std::optional<ModelState> content = world_.ReadContent(thread, held->view(), true);
    if (!content) return;
    if (world_.history.IsBlind(version)) continue;
    const std::string difference = World::FirstDifference(world_.history.At(version), *content);
    if (!difference.empty())
      world_.Violation("version " + ToString(version) + " after a reopen: " + difference);
  }
}

// The store is closed and every worker is parked: the resources in use must not grow from reopen to reopen.
// RSS is not judged under a sanitizer, whose own data grows.
void Coordinator::JudgeResources(bool nothing_kept) {
  if (world_.options.plant == Plant::kLeak) {
    for (int n = 0; n < 20; ++n) (void)open("/dev/null", O_RDONLY | O_CLOEXEC);
  }
  const Resources now = MeasureResources(world_.store_dir());
  const auto judge = [&](Baseline& baseline, const auto& too_much) {
    Resources& most = baseline.most;
    if (++baseline.samples > kWarmUpReopens) {
      const std::string wrong = too_much(most);
      if (!wrong.empty()) {
        world_.Violation(wrong + " grows: " + now.Describe() + " with the store closed; at most " +
                         most.Describe() + " in the first " + std::to_string(kWarmUpReopens) + " reopens");
      }
      return;
    }
    most.rss_mib = std::max(most.rss_mib, now.rss_mib);
    most.descriptors = std::max(most.descriptors, now.descriptors);
    most.threads = std::max(most.threads, now.threads);
    most.metadata_kib = std::max(most.metadata_kib, now.metadata_kib);
    most.metadata_files = std::max(most.metadata_files, now.metadata_files);
  };
  judge(closed_, [&](const Resources& most) -> std::string {
    if (now.descriptors > most.descriptors + kDescriptorsMore) return "the number of descriptors";
    if (now.threads > most.threads + kThreadsMore) return "the number of threads";
    if (!kSanitized && now.rss_mib > 2 * most.rss_mib + kRssMibMore) return "RSS";
    return "";
  });
  if (!nothing_kept) return;
  judge(nothing_kept_, [&](const Resources& most) -> std::string {
    if (now.metadata_files > 2 * most.metadata_files + kFilesMore) return "the number of metadata files";
    if (now.metadata_kib > 2 * most.metadata_kib + kMetadataKibMore) return "metadata";
    return "";
  });
}

}  // namespace rawkv::stress
