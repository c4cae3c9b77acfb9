#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/types.h"
#include "base/uuid.h"
#include "engine/api/options.h"
#include "engine/api/version_range.h"

namespace rawkv {

struct SnapshotRow {
  Version version;
  Lineage lineage;
  uint64_t created_unix_ms = 0;
  uint64_t files = 0;
  uint64_t bytes = 0;
  bool current = false;
  std::vector<std::string> pins;
};

// Slots by what they are. live + pinned + reclaimable + reserved + free = total.
struct SlotUse {
  Version at_version;
  uint64_t total = 0;
  uint64_t live = 0;         // reachable at the tip
  uint64_t pinned = 0;       // freed, still reachable at a retained version
  uint64_t reclaimable = 0;  // freed, reachable by nothing; reused on demand
  uint64_t reserved = 0;     // taken by commits under way, or in doubt until reopen
  uint64_t free = 0;
};

// Freed slots that exactly this holder keeps. Sum over holders + shared = SlotUse::pinned.
struct PinnedBy {
  std::string kind;  // "snapshot" (it and its log), "pin", "view", "export", "lease"
  std::string name;
  Version version;
  uint64_t slots = 0;
};

struct WriterInfo {
  int64_t pid = 0;
  std::string host;
};

struct TailCut {
  Version cut_after;
  uint64_t bytes = 0;
  uint64_t unix_ms = 0;
};

struct FormatNumbers {
  uint32_t store = 0, wal = 0, device = 0, snapshot = 0;
};

struct EngineInfo {
  Uuid store_uuid, device_uuid;
  std::string device_path;
  std::string device_kind;  // "file", "block", "nvme"
  uint64_t capacity_bytes = 0, slot_bytes = 0, header_bytes = 0, inline_bytes = 0;
  FormatNumbers formats;
  Version initial_version;
  Version version;
  Version durable_version;
  Lineage lineage;
  VersionRanges reachable;  // ascending, disjoint, inclusive
  std::optional<Version> current;
  std::vector<SnapshotRow> snapshots;
  SlotUse slots;
  std::vector<PinnedBy> pinned_by;
  uint64_t pinned_shared = 0;
  std::string engine_requested, engine_used, engine_reason;
  Durability durability = Durability::kSynced;
  std::string health;                // "ok", or the first error
  std::optional<WriterInfo> writer;  // someone else has the store open
  bool read_only_media = false;      // the store lies on media that cannot be written
  std::optional<TailCut> recovery;   // the last log tail that was cut
  std::vector<std::string> aside;    // damaged things in the store's directory that were moved aside
};

struct RollbackPlan {
  Version from, to, base;                        // base: the snapshot it starts from
  uint64_t records = 0;                          // log records to replay
  std::optional<VersionRange> versions_dropped;  // absent: to == from
  std::vector<Version> snapshots_dropped;
  std::vector<std::pair<std::string, Version>> pins_dropped;
  std::vector<std::string> blocked_by;  // empty = it may be done
  // The log is damaged below `to`, where a snapshot stands: what it holds cannot be kept, and it begins
  // behind `to`. Then also versions below `to` can no longer be read, those that the damage took included.
  bool log_begins_anew = false;
  VersionRanges history_dropped;  // ascending, disjoint, inclusive

  bool changes_nothing() const { return to == from && !log_begins_anew; }
};

struct CommitRecord {
  Version version;
  Lineage lineage;
  uint64_t time_unix_ms = 0;
  std::string metadata;
};

// Counters since open.
struct EngineStats {
  uint64_t commits = 0;             // versions made
  uint64_t groups = 0;              // sync rounds that made them
  uint64_t user_bytes_written = 0;  // keys + values handed to Commit
  uint64_t log_bytes_written = 0;
  uint64_t device_bytes_written = 0, device_bytes_read = 0, device_flushes = 0;
  uint64_t gets = 0;
  uint64_t snapshots_made = 0;
  uint64_t slots_reclaimed = 0;
  uint64_t index_flushes = 0;
};

}  // namespace rawkv
