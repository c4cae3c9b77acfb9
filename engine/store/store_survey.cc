#include "engine/store/store_survey.h"

#include <algorithm>

#include "snapshot/leases.h"
#include "wal/segment_name.h"

namespace rawkv {

bool StoreSurvey::Pinned(Version v) const {
  return std::any_of(pins.begin(), pins.end(), [&](const auto& pin) { return pin.second == v; });
}

bool StoreSurvey::NamedPinned(Version v) const {
  return std::any_of(pins.begin(), pins.end(),
                     [&](const auto& pin) { return pin.second == v && !IsTierPin(pin.first); });
}

const SnapshotInfo* StoreSurvey::Find(Version v) const {
  const auto it =
      std::find_if(snapshots.begin(), snapshots.end(), [&](const auto& s) { return s.version == v; });
  return it == snapshots.end() ? nullptr : &*it;
}

std::vector<SnapshotRow> StoreSurvey::Rows() const {
  std::vector<SnapshotRow> rows;
  for (const SnapshotInfo& s : snapshots) {
    SnapshotRow row{s.version,    s.lineage,     s.created_unix_ms,
                    s.file_count, s.total_bytes, s.version == current,
                    {},           s.by_log_bytes};
    for (const auto& [name, version] : pins) {
      if (version == s.version) row.pins.push_back(name);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

Result<StoreSurvey> Survey(StoreContext& c) {
  RAWKV_ASSIGN_OR_RETURN(PinTable pins, LoadPins(*c.env.fs, c.paths.dir));
  return SurveyWith(c, std::move(pins));
}

namespace {

// Lists the snapshots and `current` as of one moment: a prune may move `current` and remove its old snapshot
// meanwhile.
Status ListOneMoment(StoreContext& c, StoreSurvey* out) {
  constexpr int kAttempts = 10;  // each costs one move of `current`
  const LineageChain chain = c.chain();
  Result<Version> before = c.snapshots->Current();
  for (int attempt = 1;; ++attempt) {
    out->damaged.clear();
    out->snapshots.clear();
    out->unread = Status::Ok();
    RAWKV_ASSIGN_OR_RETURN(const std::vector<SnapshotInfo> all,
                           c.snapshots->List(&out->damaged, &out->unread));
    for (const SnapshotInfo& s : all) {
      if (chain.Contains(s.lineage, s.version)) out->snapshots.push_back(s);
    }
    const Result<Version> current = c.snapshots->Current();
    const bool same =
        current.ok() ? before.ok() && *before == *current : current.status().code() == before.status().code();
    if (same || attempt == kAttempts) {
      if (current.ok()) out->current = *current;
      if (current.status().code() == StatusCode::kIoError) out->unread = current.status();
      return Status::Ok();
    }
    before = current;
  }
}

}  // namespace

Result<StoreSurvey> SurveyWith(StoreContext& c, PinTable pins) {
  StoreSurvey out;
  out.pins = std::move(pins);
  RAWKV_RETURN_IF_ERROR(ListOneMoment(c, &out));
  RAWKV_ASSIGN_OR_RETURN(const std::vector<SegmentFile> segments, ListSegmentFiles(*c.env.fs, c.paths.wal()));
  if (segments.empty()) return Status::Corruption(c.paths.wal() + ": the log is missing altogether");
  out.log_first = segments.front().first;
  out.reuse_floor = c.reuse_floor();
  return out;
}

RetentionInput ToRetentionInput(const StoreSurvey& survey, Version tip, uint64_t keep_recent) {
  RetentionInput in{.snapshots = {},
                    .current = survey.current.value_or(tip),
                    .tip = tip,
                    .log_first = survey.ContinuedFrom(),
                    .log_last = tip,
                    .keep_recent = keep_recent,
                    .keep_since_unix_ms = {},
                    .oldest_lease = {},
                    .give_up = {},
                    .tiers = {}};
  for (const SnapshotInfo& s : survey.snapshots)
    in.snapshots.push_back({.version = s.version,
                            .pinned = survey.Pinned(s.version),
                            .created_unix_ms = s.created_unix_ms,
                            .only_tiers = survey.Pinned(s.version) && !survey.NamedPinned(s.version),
                            .uncounted = s.by_log_bytes});
  return in;
}

Reachability ToReachability(const StoreSurvey& survey, Version tip, std::vector<VersionHold> more) {
  Reachability r{.floor = ReachableFloor(ToRetentionInput(survey, tip, 0)),
                 .tip = tip,
                 .snapshots = {},
                 .holds = std::move(more)};
  for (const SnapshotInfo& s : survey.snapshots) {
    if (s.version >= r.floor &&
        (!survey.Pinned(s.version) || s.version == survey.current || s.version == r.floor)) {
      r.snapshots.push_back(s.version);
    }
  }
  if (r.snapshots.empty() || r.snapshots.front() != r.floor) r.snapshots.insert(r.snapshots.begin(), r.floor);
  for (const auto& [name, version] : survey.pins) {
    r.holds.push_back(IsTierPin(name) ? VersionHold{"tier", ToString(version), version}
                                      : VersionHold{"pin", name, version});
  }
  return r;
}

Result<std::vector<VersionHold>> ForeignHolds(StoreContext& c, const std::vector<std::string>& own) {
  std::vector<VersionHold> out;
  RAWKV_ASSIGN_OR_RETURN(const std::vector<LeaseInfo> held, ListHeldLeases(*c.env.fs, c.paths.dir));
  for (const LeaseInfo& lease : held) {
    if (lease.opening() || std::find(own.begin(), own.end(), lease.dir) != own.end()) continue;
    out.push_back({"lease", lease.dir, lease.version});
  }
  if (c.checkpoints == nullptr) return out;
  const std::vector<VersionHold> checkpoints = c.checkpoints->Holds();
  out.insert(out.end(), checkpoints.begin(), checkpoints.end());
  return out;
}

}  // namespace rawkv
