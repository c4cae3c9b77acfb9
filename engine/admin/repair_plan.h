#pragma once

#include <optional>
#include <vector>

#include "engine/admin/repair.h"
#include "engine/admin/store_checker.h"

namespace rawkv {

// What a repair will do, decided before it changes anything.
//
//   R1  The repair keeps every acknowledged version that still can be read. The newest version that any whole
//       state leads to, with the intact records after it, becomes the tip. Older snapshots that lose their
//       log are pinned.
//   R2  The repair moves damaged things aside, and removes nothing that someone could still want to look at.
//   R3  The repair ends the reachability of a version only if the operator agreed to give up exactly that
//   version.
struct RepairDecision {
  // These endanger nothing, and need no agreement.
  bool store_file = false;       // write the bad one of STORE and STORE-COPY again
  bool superblock = false;       // write the bad copy again
  bool marker = false;           // move an unreadable ROLLBACK aside; STORE's chain judges the rest
  std::optional<PinTable> pins;  // move an unreadable PINS aside, and write these

  // How the store gets a tip.
  enum class Way : uint8_t {
    kKeep,  // the log leads to the tip
    // A state becomes a snapshot and the tip. The log starts from scratch after it, unless the log is whole.
    kNewState,
    kRollback,  // the log leads to an older version
    kNone,      // there is no whole state to start from
  };
  Way way = Way::kKeep;

  // Builds working.new/ from a snapshot or the working index, and the log after it.
  struct Build {
    std::optional<Version> snapshot;  // absent: the working index
    Version from;                     // version of the snapshot or of the working index
    Version to;                       // version to replay to
    bool correct_slots = false;
    bool publish = false;  // make the result a snapshot, and `current`
  };
  std::optional<Build> build;
  std::optional<Version> set_current;  // a whole snapshot
  std::vector<Version> quarantine;     // snapshots to move aside
  std::optional<PinTable> pins_after;
  bool restart_log = false;                // start the log from scratch after the new tip
  std::optional<Version> drop_log_before;  // remove the segments below this version
  std::optional<RollbackPlan> rollback;

  RepairPlan shown;  // for the operator
};

// Decides from the facts of a check. Reads the log as far as it needs. Damage shapes the decision; an error
// means that something could not be read.
Result<RepairDecision> DecideRepair(StoreContext& context, const StoreFacts& facts);

// Carries out a decision (protocols: repair steps 4 to 15), on a store that is open for writing and has no
// rollback under way. Each step is durable before the next one begins. If the repair stops anywhere, the
// store is no worse off than before, and a new decision comes to the same end.
//
//   superblock → marker → pins → [ agreed ] → state (working.new/, snapshot) → current → pins →
//   quarantine → log aside → STORE → log → working
//
// `agreed`: whether the steps that give versions up or drop pins may run. The first three run in any case.
Status RunRepair(StoreContext& context, const RepairDecision& decision, bool agreed);

}  // namespace rawkv
