#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "engine/space/reachability.h"
#include "engine/store/store_context.h"
#include "snapshot/pins.h"
#include "snapshot/retention.h"

namespace rawkv {

// What lies in a store directory, read from disk without opening it for work: the facts from which
// reachability, retention and rollback plans are computed.
struct StoreSurvey {
  std::vector<SnapshotInfo> snapshots;  // on the chain, ascending
  std::vector<std::string> damaged;     // snapshot directories that cannot be believed
  // Not ok: a snapshot or `current` could not be read just now. Then more may be reachable than this shows:
  // nothing may be given to reuse by it, and nothing called unreachable.
  Status unread;
  PinTable pins;
  std::optional<Version> current;
  Version log_first;    // first version that the log could hold
  Version reuse_floor;  // slots freed at or below it may have been reused

  bool Pinned(Version v) const;
  // Whether every version from this snapshot's to the tip can still be had: the log goes on from it
  // (segments are dropped whole, so it may begin far below what is kept), and no slot that those
  // versions need was given to reuse.
  bool Continued(Version snapshot) const { return ContinuedFrom() <= Next(snapshot); }
  Version ContinuedFrom() const { return std::max(log_first, Next(reuse_floor)); }
  const SnapshotInfo* Find(Version v) const;
  std::vector<SnapshotRow> Rows() const;
};

Result<StoreSurvey> Survey(StoreContext& context);
// The same with pins that are known already, whatever PINS says.
Result<StoreSurvey> SurveyWith(StoreContext& context, PinTable pins);

// Pure.
RetentionInput ToRetentionInput(const StoreSurvey& survey, Version tip, uint64_t keep_recent);
// Named pins become holds; `more` are views, exports, leases.
Reachability ToReachability(const StoreSurvey& survey, Version tip, std::vector<VersionHold> more);

// Leases that living readers in other processes hold; `own` directories are left out.
Result<std::vector<VersionHold>> ForeignLeases(StoreContext& context, const std::vector<std::string>& own);

}  // namespace rawkv
