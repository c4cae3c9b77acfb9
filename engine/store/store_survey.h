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

// The content of a store's directory, as read from disk. Reachability, retention and rollback plans are
// computed from it.
struct StoreSurvey {
  std::vector<SnapshotInfo> snapshots;  // on the chain, ascending
  std::vector<std::string> damaged;     // snapshot directories without a good MANIFEST
  // Not ok: a snapshot or `current` could not be read. More may be reachable then than this shows, so nobody
  // may free slots or call a version unreachable because of it.
  Status unread;
  PinTable pins;
  std::optional<Version> current;
  Version log_first;    // first version of the oldest segment
  Version reuse_floor;  // slots freed at or below it may have been reused

  bool Pinned(Version v) const;       // by a named pin or by the tiers
  bool NamedPinned(Version v) const;  // by a named pin
  // Whether every version from this snapshot's to the tip can still be read: the log leads from it to the
  // tip, and no slot that those versions need was reused. (The log may begin far below: it drops whole
  // segments only.)
  bool Continued(Version snapshot) const { return ContinuedFrom() <= Next(snapshot); }
  Version ContinuedFrom() const { return std::max(log_first, Next(reuse_floor)); }
  const SnapshotInfo* Find(Version v) const;
  std::vector<SnapshotRow> Rows() const;
};

// Surveys the store. kCorruption: PINS is damaged, or the log is missing.
Result<StoreSurvey> Survey(StoreContext& context);
// The same with these pins, and without reading PINS.
Result<StoreSurvey> SurveyWith(StoreContext& context, PinTable pins);

// The input of the retention rule, without a keep_since. Pure.
RetentionInput ToRetentionInput(const StoreSurvey& survey, Version tip, uint64_t keep_recent);
// The reachable versions. Holds are the named pins and `more`: views, exports and leases. Pure.
Reachability ToReachability(const StoreSurvey& survey, Version tip, std::vector<VersionHold> more);

// The leases that live processes hold, except those in the `own` directories, and the checkpoints on the
// device.
Result<std::vector<VersionHold>> ForeignHolds(StoreContext& context, const std::vector<std::string>& own);

}  // namespace rawkv
