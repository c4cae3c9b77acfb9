#include "tools/quickstart_worker.h"

#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/logger.h"
#include "tools/quickstart_process.h"

namespace rawkv::quickstart {
namespace {

Status Tell(int fd, const WorkerEvent& event) {
  return WriteFully(fd, {reinterpret_cast<const char*>(&event), sizeof(event)});
}

Status Work(const ReplayPlan& plan, int fd) {
  const uint64_t begin_ns = SystemClock().MonotonicNs();
  RAWKV_ASSIGN_OR_RETURN(const auto engine, Engine::Open(plan.store, QuickstartOpenOptions()));
  const uint64_t tip = engine->version().value();
  RAWKV_RETURN_IF_ERROR(Tell(fd, {.kind = WorkerEvent::Kind::kOpened,
                                  .version = tip,
                                  .nanoseconds = SystemClock().MonotonicNs() - begin_ns}));
  if (tip > plan.history->size()) return Status::Corruption("the store came back at a version never made");
  RAWKV_ASSIGN_OR_RETURN(const Comparison found, CompareAll(*engine, nullptr, *plan.history, tip));
  RAWKV_RETURN_IF_ERROR(RequireEqual(found));
  RAWKV_RETURN_IF_ERROR(Tell(fd, {.kind = WorkerEvent::Kind::kCompared,
                                  .version = tip,
                                  .keys = found.keys,
                                  .value_bytes = found.value_bytes}));
  RAWKV_RETURN_IF_ERROR(PinTipIfPlanned(*engine, plan));
  const ReplayObserver observer = {
      .on_begin = [fd](uint64_t n) { return Tell(fd, {.kind = WorkerEvent::Kind::kBegun, .version = n}); },
      .on_committed =
          [fd](uint64_t n, uint64_t ns) {
            return Tell(fd, {.kind = WorkerEvent::Kind::kCommitted, .version = n, .nanoseconds = ns});
          }};
  RAWKV_RETURN_IF_ERROR(ReplaySteps(*engine, plan, tip + 1, observer));
  return engine->Close();
}

}  // namespace

int RunWorker(const ReplayPlan& plan, int event_fd) {
  const Status status = Work(plan, event_fd);
  WorkerEvent last{.kind = WorkerEvent::Kind::kDone};
  if (!status.ok()) {
    last.kind = WorkerEvent::Kind::kFailed;
    last.code = status.code();
    const std::string& text = status.message();
    memcpy(last.text, text.data(), std::min(text.size(), sizeof(last.text) - 1));
  }
  return Tell(event_fd, last).ok() && status.ok() ? 0 : 1;
}

OpenOptions QuickstartOpenOptions() {
  OpenOptions options;
  // What the engine would log (a torn record cut off after a kill) is what this program provokes; it
  // reports it itself.
  options.env.logger = &NullLogger();
  return options;
}

Status RequireEqual(const Comparison& comparison) {
  if (comparison.equal()) return Status::Ok();
  std::string text =
      std::to_string(comparison.differences) + " difference" + (comparison.differences == 1 ? "" : "s");
  for (const std::string& example : comparison.examples) text += "; " + example;
  return Status::Corruption(text);
}

}  // namespace rawkv::quickstart
