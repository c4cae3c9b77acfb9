#include "engine/recovery/snapshot_removal.h"

namespace rawkv {
namespace {

void Warn(StoreContext& c, Version version, const std::string& what, const Status& why) {
  c.env.logger->Log(LogLevel::kWarning, c.snapshots->PathOf(version) + ": " + what + " (" + why.message() +
                                            "); the next open tries again");
}

}  // namespace

Result<bool> RemoveSnapshot(StoreContext& c, Version version) {
  const Status removed = c.snapshots->Remove(version);
  if (removed.ok()) return true;
  if (!removed.refused()) return removed;
  Warn(c, version, "cannot be removed now", removed);
  return false;
}

Status RemoveAbandonedSnapshots(StoreContext& c) {
  // If the link `current` cannot be read, it may name any snapshot.
  const Result<Version> current = c.snapshots->Current();
  if (!current.ok() && current.status().code() != StatusCode::kNotFound) return Status::Ok();
  RAWKV_ASSIGN_OR_RETURN(const std::vector<SnapshotInfo> snapshots, c.snapshots->List());
  for (const SnapshotInfo& s : snapshots) {
    if (s.current || !c.chain().Abandons(s.lineage, s.version)) continue;
    RAWKV_RETURN_IF_ERROR(RemoveSnapshot(c, s.version).status());
  }
  return Status::Ok();
}

Status MoveDamagedAside(StoreContext& c, Version version) {
  const Result<std::string> aside = c.snapshots->MoveAside(version);
  if (aside.ok()) {
    c.env.logger->Log(LogLevel::kWarning, *aside + ": damaged, moved aside");
    return Status::Ok();
  }
  const bool cannot_move = aside.status().refused() || aside.status().code() == StatusCode::kNotSupported;
  if (!cannot_move) return aside.status();
  Warn(c, version, "damaged, and cannot be moved aside now", aside.status());
  return Status::Ok();
}

}  // namespace rawkv
