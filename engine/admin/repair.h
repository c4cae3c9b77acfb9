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
// environment, the device's path if it moved, and the I/O engine; the rest of it is ignored.
// All functions are thread-safe and throw nothing. All but PlanRepair need the lock (kBusy). Any may return
// kNotFound (no store), kFailedPrecondition (a wrong device, or a STORE or device from a backup), kIoError.
namespace rawkv {

// What OfflineRollback would do. Changes nothing. kVersionUnreachable: no snapshot and log lead to `target`.
// kFailedPrecondition: an earlier rollback was interrupted; OfflineRollback or an open finishes it. With
// `OpenOptions::read_only` it does not take the lock: a process that has the store open is then in
// `blocked_by`.
RAWKV_EXPORT Result<RollbackPlan> PlanOfflineRollback(const std::string& dir, Version target,
                                                      const RollbackOptions& rollback,
                                                      const OpenOptions& options);
// Engine::Rollback for a closed store. Works where the index or the log above `target` is damaged, as it
// reads neither. First finishes or undoes an interrupted rollback. kVersionUnreachable: as above.
// kFailedPrecondition: a lease or a pin blocks the rollback; the store is unchanged. After another error the
// rollback is undone, or the next open or OfflineRollback finishes it (invariant 6).
RAWKV_EXPORT Status OfflineRollback(const std::string& dir, Version target, const RollbackOptions& rollback,
                                    const OpenOptions& options);

// One action of a repair.
struct RepairStep {
  // Stable. Need no agreement: "store", "superblock", "marker", "pins". Others: "restore", "working",
  // "slots", "snapshot", "current", "quarantine", "pin", "unpin", "log", "rollback".
  std::string action;
  std::string where;  // path, or name of a pin
  std::optional<Version> version;
  std::string message;
  bool needs_no_agreement() const {
    return action == "store" || action == "superblock" || action == "marker" || action == "pins";
  }
};
struct RepairPlan {
  std::vector<RepairStep> steps;  // in the order in which they run; empty: there is nothing to do
  Version tip;                    // of the store after the repair
  VersionRanges gives_up;  // versions that could be read before the damage, and cannot after the repair
  std::vector<std::pair<std::string, Version>> pins_dropped;
  // On what a restored STORE or superblock relies. The rest of the store is planned once that stands.
  std::vector<std::string> trusted;
  std::string hopeless;  // why no repair is possible; empty if one is
  bool needs_confirmation() const { return !gives_up.empty() || !pins_dropped.empty() || !trusted.empty(); }
};
struct RepairOptions {
  bool deep = false;  // verify every payload in the check after the repair
  // The `gives_up` of the plan that the operator agreed to. If it is absent or differs from what the repair
  // would give up now, a repair that gives versions up, drops pins or restores STORE or the superblocks runs
  // only the steps that need no agreement.
  std::optional<VersionRanges> may_give_up;
};
struct RepairReport {
  std::vector<RepairStep> repaired;  // the steps that ran
  CheckReport left;                  // the check after the repair
  RepairPlan plan;                   // as decided
  bool agreed = false;               // the steps that need agreement ran, too
};
// What RepairStore would do (docs/repair.md). Changes nothing and takes no lock. Puts the findings of the
// check, as CheckStore makes it, to `*found`.
RAWKV_EXPORT Result<RepairPlan> PlanRepair(const std::string& dir, const CheckOptions& check,
                                           const OpenOptions& options, CheckReport* found);
// fsck --repair, for a closed store, also one that cannot be opened (protocols: repair steps 1 to 16). Damage
// that cannot be repaired is no error: see `plan.hopeless` and `left`. A repair may stop anywhere, by a crash
// or an error, and be run again: it then comes to the same end. kNoSpace. kCorruption: damage that the check
// did not find.
RAWKV_EXPORT Result<RepairReport> RepairStore(const std::string& dir, const RepairOptions& repair,
                                              const OpenOptions& options);

}  // namespace rawkv
