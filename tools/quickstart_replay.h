#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"
#include "tools/quickstart_history.h"

namespace rawkv::quickstart {

// What to replay, and what holds at which step. Constant while a replay runs.
struct ReplayPlan {
  const History* history = nullptr;
  std::string store;      // directory of the formatted store
  std::string spool_dir;  // for the values of very large steps
  // A snapshot is taken after every so many steps. The store's own come about when they can, beside the
  // commits; these make what is kept in the end the same in every run.
  uint64_t snapshot_steps = 1;
  std::vector<uint64_t> pins;  // steps whose version gets a named pin
};

std::string PinName(uint64_t number);  // "step-40"

struct ReplayObserver {
  std::function<Status(uint64_t number)> on_begin;                            // before Commit
  std::function<Status(uint64_t number, uint64_t nanoseconds)> on_committed;  // Commit has returned
};

// Commits steps `first` … the last to an open store whose tip is version first - 1, one version each,
// with snapshots and pins as planned. Stops at the first error, of the engine or of the observer.
Status ReplaySteps(Engine& engine, const ReplayPlan& plan, uint64_t first, const ReplayObserver& observer);

// Takes the snapshot and sets the pin that are due at the tip, if any: again, where the process may have
// ended before.
Status HoldTipIfPlanned(Engine& engine, const ReplayPlan& plan);

// The settings that every open of this program uses.
OpenOptions QuickstartOpenOptions();

}  // namespace rawkv::quickstart
