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
  std::string store;           // directory of the formatted store
  std::string spool_dir;       // for the values of very large steps
  std::vector<uint64_t> pins;  // steps whose version gets a named pin
};

std::string PinName(uint64_t number);  // "step-40"

struct ReplayObserver {
  std::function<Status(uint64_t number)> on_begin;                            // before Commit
  std::function<Status(uint64_t number, uint64_t nanoseconds)> on_committed;  // Commit has returned
};

// Commits steps `first` … the last to an open store whose tip is version first - 1, one version each,
// and pins as planned. Stops at the first error, of the engine or of the observer.
Status ReplaySteps(Engine& engine, const ReplayPlan& plan, uint64_t first, const ReplayObserver& observer);

// Makes up for a pin that was due at the tip, but not set before the process ended.
Status PinTipIfPlanned(Engine& engine, const ReplayPlan& plan);

// The settings that every open of this program uses.
OpenOptions QuickstartOpenOptions();

}  // namespace rawkv::quickstart
