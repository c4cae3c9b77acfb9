#pragma once

#include <optional>
#include <vector>

#include "engine/admin/repair.h"
#include "engine/admin/store_checker.h"

namespace rawkv {

// What a repair will do, decided before anything is touched.
//
//   R1  What is acknowledged and can still be had is kept: the newest version that any whole state, with
//       the intact records behind it, leads to becomes the tip; older snapshots that lose their log are
//       pinned.
//   R2  Nothing is removed that someone could still want to look at: it is moved aside.
//   R3  Whatever would end a version's being reachable is a version given up, and is done only if
//       exactly that was agreed to.
struct RepairDecision {
  // Endanger nothing, and are done unasked.
  bool superblock = false;       // write the bad copy anew
  bool marker = false;           // ROLLBACK cannot be read: aside; STORE's chain judges the rest
  std::optional<PinTable> pins;  // PINS cannot be read: aside; these instead

  // How the store gets a tip again.
  enum class Way : uint8_t {
    kKeep,      // the log leads to it
    kNewState,  // a state is made a snapshot; the log begins anew behind it unless it is whole
    kRollback,  // the log leads to an older version
    kNone,      // nothing does
  };
  Way way = Way::kKeep;

  // working.new/, from a snapshot or the working index and the log behind it.
  struct Build {
    std::optional<Version> snapshot;  // absent: the working index
    Version from;                     // version of that state
    Version to;
    bool correct_slots = false;
    bool publish = false;  // also make it a snapshot, and current
  };
  std::optional<Build> build;
  std::optional<Version> set_current;  // a whole snapshot
  std::vector<Version> quarantine;
  std::optional<PinTable> pins_after;
  bool restart_log = false;
  std::optional<Version> drop_log_before;
  std::optional<RollbackPlan> rollback;

  RepairPlan shown;
};

// Reads the log as far as needed. Errors are those of reading; damage is what it is about.
Result<RepairDecision> DecideRepair(StoreContext& context, const StoreFacts& facts);

}  // namespace rawkv
