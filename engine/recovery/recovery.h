#pragma once

#include <memory>
#include <optional>

#include "engine/live/core.h"
#include "engine/store/store_context.h"
#include "engine/store/working_index.h"

namespace rawkv {

// Brings a locked and checked store up (protocols: open steps 3 to 13):
// finish or undo a rollback → sweep → resolve `current` → judge the log's end → cut a torn tail →
// make the adopted tail durable → reuse or rebuild working/ → replay.
// The time depends on the log's tail, and not on the device's size or the number of keys.
// Fills `core`. After an error the caller empties it with Core::Reset.
Status Recover(StoreContext& context, Core& core);

struct LogJudgement {
  LogScan scan;
  Version durable;             // snapshots, indexes or the log itself show that this version is durable
  Version keep_through;        // last version to adopt
  std::optional<TailCut> cut;  // the torn tail after it, if there is one
};
// Judges the end of the log (invariant 9); changes nothing. `from` is the first version that is needed,
// `proven` the version that indexes and snapshots prove to be durable. Reads and verifies the payload of the
// records that nothing shows to be durable, because the device's flush and the log's sync run side by side.
// kCorruption names the versions that are lost.
Result<LogJudgement> JudgeLog(StoreContext& context, Version from, Version proven);
// The same for a log that has been scanned.
Result<LogJudgement> JudgeScan(StoreContext& context, LogScan scan, Version proven);

// The highest version that a normal close or a snapshot proves to be durable.
Result<Version> FindProven(StoreContext& context);

struct CurrentChoice {
  Version version;
  bool relink = false;             // `current` must be set to `version`
  std::optional<Version> damaged;  // the snapshot that `current` names, if it is proven to be damaged
  std::string note;                // for the operator; empty if `current` is whole
};
// Chooses the snapshot that `current` names if it is whole, otherwise the newest whole one that is continued.
// Changes nothing. kCorruption, with advice: there is none.
Result<CurrentChoice> ResolveCurrent(StoreContext& context);

// Notes in STORE that the store closes at `tip`, which is durable, so that a log that lost its end shows it.
// Changes nothing if STORE has this version already, or if there is no room.
Status RecordClose(StoreContext& context, Version tip);

// The state from which an open starts.
struct StoreStart {
  std::optional<WorkingIndex> working;  // absent: the index starts from `current`
  std::string why;                      // the reason for that
  LogJudgement log;                     // from there on
};
// Judges the log after the working index, if that is of use, or after snapshot `current`. Changes nothing.
Result<StoreStart> JudgeStart(StoreContext& context, Version current, std::optional<WorkingIndex> working,
                              std::string why);

// Deletes leftovers: everything in the store's directory that ends in .tmp or .removing, working.new/, the
// mark of a format or import that was interrupted after STORE was in place, and snapshots that a rollback
// could not remove. Never deletes the device, by whatever path it was opened. Unlinks links and never follows
// them. Logs a warning for what it cannot delete; the next open tries again.
Status SweepLeftovers(StoreContext& context);
// Whether a file of the store's directory is a leftover.
bool IsLeftover(const StoreContext& context, const std::string& name);

}  // namespace rawkv
