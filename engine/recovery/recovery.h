#pragma once

#include <memory>
#include <optional>

#include "engine/live/core.h"
#include "engine/read/views.h"
#include "engine/store/store_context.h"

namespace rawkv {

// Open, from a locked and checked store to a live one (protocols: open steps 3 to 13):
// finish or undo a rollback → sweep → resolve `current` → judge the log's end → cut a torn tail →
// make the adopted tail durable → reuse or rebuild working/ → replay.
// Costs the log's tail, never the device's size or the number of keys.
// Fills `core`; after an error it is to be emptied by Core::Reset.
Status Recover(StoreContext& context, Core& core);

// For reading only: a throw-away clone of the tip instead of working/; nothing of the store's is
// changed, a torn tail is left out but not cut.
Status RecoverReadOnly(StoreContext& context, Core& core, ViewRegistry& views,
                       std::shared_ptr<const EngineView>* tip);

// The judgement alone; changes nothing.
struct LogJudgement {
  LogScan scan;
  Version keep_through;        // last version to adopt
  std::optional<TailCut> cut;  // what lies behind it, if anything
};
// `from`: version above which records are needed; `proven`: shown durable by an index or snapshot.
// Payloads of records that nothing shows to be durable are read and verified (their flush and the
// log's sync ran side by side). kCorruption names the versions lost.
Result<LogJudgement> JudgeLog(StoreContext& context, Version from, Version proven);

// The snapshot that `current` names if it is whole; otherwise the newest whole one that the log
// continues. Says in `note` what it had to do; changes nothing. kCorruption with the fix if none.
struct CurrentChoice {
  Version version;
  bool relink = false;             // `current` must be set to it
  std::optional<Version> damaged;  // what it named, if that is there and proven to be damaged
  std::string note;
};
Result<CurrentChoice> ResolveCurrent(StoreContext& context);

// Leftovers of interrupted work: whatever in the store's directory ends in .tmp or .removing, working.new/,
// the mark of a format or import that was interrupted after STORE was in place, and snapshots that a rollback
// could not remove; never the device, by whatever path it was opened. Links are unlinked, never followed.
// What cannot be deleted stays for the next open, with a warning.
Status SweepLeftovers(StoreContext& context);
bool IsLeftover(const StoreContext& context, const std::string& name);

}  // namespace rawkv
