#include "tools/quickstart_survival.h"

#include <time.h>

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "tools/cli/interrupt.h"
#include "tools/quickstart_worker.h"

namespace rawkv::quickstart {
namespace {

constexpr int kExtraKillsMax = 4;
constexpr uint64_t kFirstDelayNs = 300'000;  // before any commit has been timed

// The life of one worker: opens the store, compares its tip with the history, replays what is missing and
// closes; killed at any moment.
Status Work(const ReplayPlan& plan, int fd) {
  const uint64_t begin_ns = SystemClock().MonotonicNs();
  RAWKV_ASSIGN_OR_RETURN(const auto engine, Engine::Open(plan.store, QuickstartOpenOptions()));
  const uint64_t tip = engine->version().value();
  RAWKV_RETURN_IF_ERROR(TellParent(fd, {.kind = WorkerEvent::Kind::kOpened,
                                        .version = tip,
                                        .nanoseconds = SystemClock().MonotonicNs() - begin_ns}));
  if (tip > plan.history->size()) return Status::Corruption("the store came back at a version never made");
  RAWKV_ASSIGN_OR_RETURN(const Comparison found, CompareAll(*engine, nullptr, *plan.history, tip));
  RAWKV_RETURN_IF_ERROR(RequireEqual(found));
  RAWKV_RETURN_IF_ERROR(TellParent(fd, {.kind = WorkerEvent::Kind::kCompared,
                                        .version = tip,
                                        .keys = found.keys,
                                        .value_bytes = found.value_bytes}));
  RAWKV_RETURN_IF_ERROR(HoldTipIfPlanned(*engine, plan));
  const ReplayObserver observer = {
      .on_begin =
          [fd](uint64_t n) { return TellParent(fd, {.kind = WorkerEvent::Kind::kBegun, .version = n}); },
      .on_committed =
          [fd](uint64_t n, uint64_t ns) {
            return TellParent(fd, {.kind = WorkerEvent::Kind::kCommitted, .version = n, .nanoseconds = ns});
          }};
  RAWKV_RETURN_IF_ERROR(ReplaySteps(*engine, plan, tip + 1, observer));
  return engine->Close();
}

class Survivor {
 public:
  Survivor(const ReplayPlan& plan, std::mt19937_64& random, StageProgress& progress)
      : plan_(plan), random_(random), progress_(progress) {
    const uint64_t size = plan.history->size();
    for (uint64_t target : {size / 3, 2 * size / 3}) {
      target = std::max<uint64_t>(target, 1);
      if (targets_.empty() || targets_.back() < target) targets_.push_back(target);
    }
  }

  Result<ReplayResult> Run() {
    const uint64_t begin_ns = SystemClock().MonotonicNs();
    for (bool done = false; !done;) {
      RAWKV_ASSIGN_OR_RETURN(const auto worker, Worker::Start([this](int fd) { return Work(plan_, fd); }));
      RAWKV_ASSIGN_OR_RETURN(done, Follow(*worker));
    }
    result_.wall_ns = SystemClock().MonotonicNs() - begin_ns;
    result_.commits = acknowledged_;
    return std::move(result_);
  }

 private:
  // Follows one worker to its end: true if the replay is complete, false if the worker was killed.
  Result<bool> Follow(Worker& worker) {
    bool killed = false;
    for (;;) {
      RAWKV_ASSIGN_OR_RETURN(const auto event, worker.Next());
      if (!event.has_value() && killed) {
        Remember();
        return false;
      }
      if (!event.has_value()) return Status::Internal("the replaying process ended by " + worker.Reap());
      if (ctl::InterruptPending()) return Status::FailedPrecondition("interrupted");
      if (event->kind == WorkerEvent::Kind::kDone) {
        if (!killed) return true;
        continue;  // the kill came too late to matter; the next worker finds that all is there
      }
      RAWKV_RETURN_IF_ERROR(Take(*event));
      const bool due =
          event->kind == WorkerEvent::Kind::kBegun && !targets_.empty() && event->version >= targets_.front();
      if (due && !killed) {
        Delay();
        worker.Kill();  // what it still told before is in the pipe
        killed = true;
      }
    }
  }

  Status Take(const WorkerEvent& event) {
    switch (event.kind) {
      case WorkerEvent::Kind::kOpened:
        return TakeOpened(event);
      case WorkerEvent::Kind::kCompared:
        if (event.version > 0) ++result_.compared.versions;
        result_.compared.keys += event.keys;
        result_.compared.value_bytes += event.value_bytes;
        return Status::Ok();
      case WorkerEvent::Kind::kBegun:
        begun_ = event.version;
        progress_.Show("replay", begun_, plan_.history->size());
        return Status::Ok();
      case WorkerEvent::Kind::kCommitted:
        acknowledged_ = event.version;
        result_.commit_ns += event.nanoseconds;
        return Status::Ok();
      case WorkerEvent::Kind::kDone:
      case WorkerEvent::Kind::kFailed:
        break;
    }
    return event.error();
  }

  Status TakeOpened(const WorkerEvent& event) {
    const Survival survival = {.begun = begun_,
                               .acknowledged = acknowledged_,
                               .came_back = event.version,
                               .open_ns = event.nanoseconds};
    RAWKV_RETURN_IF_ERROR(RequireSurvived(survival));
    if (!result_.kills.empty()) result_.kills.back() = survival;
    acknowledged_ = begun_ = event.version;
    return Status::Ok();
  }

  // The kill is to fall inside the commit just begun: somewhere within the usual length of one.
  void Delay() {
    const uint64_t usual_ns = acknowledged_ == 0 ? kFirstDelayNs : result_.commit_ns / acknowledged_;
    const uint64_t delay_ns = random_() % (usual_ns + 1);
    const timespec delay = {static_cast<time_t>(delay_ns / 1'000'000'000),
                            static_cast<long>(delay_ns % 1'000'000'000)};
    nanosleep(&delay, nullptr);  // cut short by a signal: just as random
  }

  void Remember() {
    const Survival kill = {.begun = begun_, .acknowledged = acknowledged_};
    result_.kills.push_back(kill);
    targets_.erase(targets_.begin());
    // It fell between two commits: once more, soon.
    if (!kill.inside_commit() && extra_kills_ < kExtraKillsMax && begun_ < plan_.history->size()) {
      ++extra_kills_;
      targets_.insert(targets_.begin(), begun_ + 1);
    }
  }

  const ReplayPlan& plan_;
  std::mt19937_64& random_;
  StageProgress& progress_;
  std::vector<uint64_t> targets_;  // versions to be killed in, ascending
  int extra_kills_ = 0;
  uint64_t begun_ = 0;
  uint64_t acknowledged_ = 0;
  ReplayResult result_;
};

}  // namespace

Status RequireSurvived(const Survival& survival) {
  if (survival.came_back >= survival.acknowledged && survival.came_back <= survival.begun)
    return Status::Ok();
  return Status::Corruption("after SIGKILL the store came back at version " +
                            std::to_string(survival.came_back) +
                            "; acknowledged: " + std::to_string(survival.acknowledged) +
                            ", begun: " + std::to_string(survival.begun));
}

Result<ReplayResult> ReplayAndSurvive(const ReplayPlan& plan, std::mt19937_64& random,
                                      StageProgress& progress) {
  return Survivor(plan, random, progress).Run();
}

}  // namespace rawkv::quickstart
