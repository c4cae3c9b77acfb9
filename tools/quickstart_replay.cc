#include "tools/quickstart_replay.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/clock.h"
#include "base/logger.h"
#include "tools/cli/interrupt.h"
#include "tools/quickstart_value_arena.h"

namespace rawkv::quickstart {
namespace {

// The step's values, fetched to the arena, and the batch that borrows them.
Result<WriteBatch> MakeBatch(const Step& step, ContentReader& content, ValueArena& arena) {
  uint64_t bytes = 0;
  for (const Change& change : step.changes) bytes += change.bytes;
  RAWKV_RETURN_IF_ERROR(arena.Reset(bytes));
  WriteBatch batch;
  std::vector<ContentRequest> requests;
  for (const Change& change : step.changes) {
    if (change.is_delete()) {
      batch.Delete(change.key);
      continue;
    }
    const Bytes value = arena.Take(change.bytes);
    requests.push_back({.content = change.content, .out = value});
    batch.PutBorrowed(change.key, value);
  }
  RAWKV_RETURN_IF_ERROR(content.Read(requests));
  batch.SetMetadata(step.name);
  return batch;
}

bool IsPinned(const ReplayPlan& plan, uint64_t number) {
  return std::find(plan.pins.begin(), plan.pins.end(), number) != plan.pins.end();
}

}  // namespace

std::string PinName(uint64_t number) {
  return "step-" + std::to_string(number);
}

Status ReplaySteps(Engine& engine, const ReplayPlan& plan, uint64_t first, const ReplayObserver& observer) {
  const History& history = *plan.history;
  RAWKV_ASSIGN_OR_RETURN(const auto content, history.OpenContent());
  ValueArena arena(plan.spool_dir);
  for (uint64_t number = first; number <= history.size(); ++number) {
    if (ctl::InterruptPending()) return Status::FailedPrecondition("interrupted");
    const Step& step = history.step(number);
    RAWKV_ASSIGN_OR_RETURN(const WriteBatch batch, MakeBatch(step, *content, arena));
    RAWKV_RETURN_IF_ERROR(observer.on_begin(number));
    CommitOptions options;
    options.expected_version = Version(number);
    const uint64_t begin_ns = SystemClock().MonotonicNs();
    const CommitResult result = engine.Commit(batch, options);
    const uint64_t took_ns = SystemClock().MonotonicNs() - begin_ns;
    if (!result.ok()) {
      return result.status.WithContext("commit of " + history.StepName() + " " + step.name);
    }
    RAWKV_RETURN_IF_ERROR(observer.on_committed(number, took_ns));
    RAWKV_RETURN_IF_ERROR(HoldTipIfPlanned(engine, plan));
  }
  return Status::Ok();
}

Status HoldTipIfPlanned(Engine& engine, const ReplayPlan& plan) {
  const uint64_t tip = engine.version().value();
  if (tip > 0 && tip % plan.snapshot_steps == 0) RAWKV_RETURN_IF_ERROR(engine.CreateSnapshot().status());
  return IsPinned(plan, tip) ? engine.Pin(PinName(tip)).status() : Status::Ok();
}

OpenOptions QuickstartOpenOptions() {
  OpenOptions options;
  // What the engine would log (a torn record cut off after a kill) is what this program provokes; it
  // reports it itself.
  options.env.logger = &NullLogger();
  return options;
}

}  // namespace rawkv::quickstart
