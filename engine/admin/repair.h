#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/export.h"
#include "base/result.h"
#include "engine/admin/inspect.h"
#include "engine/api/version_range.h"

// Changes a store that is not open in this process, also one that cannot be opened. `OpenOptions` gives the
// environment, the device's path if it moved, and the I/O engine.
namespace rawkv {

// Like Engine's, on a store that is closed, also one that cannot open (damaged index or log tail).
// Needs the lock (kBusy). The plan changes nothing.
RAWKV_EXPORT Result<RollbackPlan> PlanOfflineRollback(const std::string& dir, Version target,
                                                      const RollbackOptions& rollback,
                                                      const OpenOptions& options);
RAWKV_EXPORT Status OfflineRollback(const std::string& dir, Version target, const RollbackOptions& rollback,
                                    const OpenOptions& options);

// One act of a repair. `action`, stable: "superblock", "marker", "pins" (done unasked); "working", "slots",
// "snapshot", "current", "quarantine", "pin", "unpin", "log", "rollback".
struct RepairStep {
  std::string action;
  std::string where;
  std::optional<Version> version;
  std::string message;
  bool needs_no_agreement() const { return action == "superblock" || action == "marker" || action == "pins"; }
};
struct RepairPlan {
  std::vector<RepairStep> steps;  // in the order in which they are done; empty: nothing to do
  Version tip;                    // of the store afterwards
  VersionRanges gives_up;         // versions that could be read before the damage and cannot afterwards
  std::vector<std::pair<std::string, Version>> pins_dropped;
  std::string hopeless;  // why nothing can be done; empty where something can
  bool needs_confirmation() const { return !gives_up.empty() || !pins_dropped.empty(); }
};
struct RepairOptions {
  bool deep = false;
  // The plan's gives_up as it was seen and agreed to. Absent, or not what giving up it would take now:
  // only what endangers nothing is done.
  std::optional<VersionRanges> may_give_up;
};
struct RepairReport {
  std::vector<RepairStep> repaired;
  CheckReport left;  // a check of what is there now
  RepairPlan plan;   // as decided
  bool agreed = false;
};
// fsck --repair, for a store that is closed or will not open (docs/repair.md). The plan changes nothing;
// what a check finds goes to *found. A repair may be interrupted anywhere and run again. Needs the lock.
RAWKV_EXPORT Result<RepairPlan> PlanRepair(const std::string& dir, const CheckOptions& check,
                                           const OpenOptions& options, CheckReport* found);
RAWKV_EXPORT Result<RepairReport> RepairStore(const std::string& dir, const RepairOptions& repair,
                                              const OpenOptions& options);

}  // namespace rawkv
