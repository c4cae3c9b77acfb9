#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
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
  bool by_log_bytes = false;  // snapshot_log_bytes made it, so keep_recent does not count it
};

// The number of slots in each state. live + pinned + reclaimable + reserved + free = total.
struct SlotUse {
  Version at_version;  // the version of the index that was counted
  uint64_t total = 0;
  uint64_t live = 0;         // a key at the tip names them
  uint64_t pinned = 0;       // freed, but a retained version still needs them
  uint64_t reclaimable = 0;  // freed, and nothing needs them; the engine frees them when it needs slots
  uint64_t reserved = 0;     // for commits under way, or for a commit with an unknown outcome, until a reopen
  uint64_t free = 0;
  // Slots that commits could get now: all but live and reserved ones, and those that a pin, view, export,
  // lease or checkpoint needs. The engine frees them when a commit finds no free slot, and gives up history
  // for that. It can free those of a checkpoint, too, by writing a new one.
  uint64_t available = 0;
};

// What this holder alone keeps. The sum of the slots over all holders, plus EngineInfo::pinned_shared, is
// SlotUse::pinned.
struct PinnedBy {
  std::string kind;  // "snapshot" (with the log after it), "tier" (keep_tiers), "pin", "view", "export",
                     // "lease", "checkpoint"
  std::string name;
  Version version;
  uint64_t slots = 0;        // freed ones
  uint64_t log_bytes = 0;    // log that only versions up to the next snapshot need
  uint64_t table_bytes = 0;  // tables that no newer snapshot and not the working index have
};

// Why versions that the settings would keep are gone.
enum class GivenUpCause : uint8_t {
  kNoSlots = 0,  // a commit found no free slot
  kBudget = 1,   // history took more than history_bytes_max
};

// History that was given up for space and that nobody has acknowledged yet (Engine::AcknowledgeGivenUp).
struct GivenUp {
  Version first, last;  // the oldest and the newest of these versions
  uint64_t versions = 0;
  uint64_t unix_ms = 0;                         // of the last time
  GivenUpCause cause = GivenUpCause::kNoSlots;  // of the last time
  friend bool operator==(const GivenUp&, const GivenUp&) = default;
};

// Counters since the open.
struct EngineStats {
  uint64_t commits = 0;             // versions made
  uint64_t groups = 0;              // commit groups that made them
  uint64_t user_bytes_written = 0;  // keys and values of the applied commits
  uint64_t log_bytes_written = 0;
  uint64_t device_bytes_written = 0, device_bytes_read = 0, device_flushes = 0;
  uint64_t gets = 0;
  uint64_t snapshots_made = 0;
  uint64_t slots_reclaimed = 0;
  uint64_t versions_given_up = 0;  // kept by the settings, but given up because the device had no free slot
  uint64_t index_flushes = 0;
  uint64_t checkpoints_written = 0, checkpoints_failed = 0;  // of FormatOptions::meta_total_bytes
  uint64_t views_built = 0;              // views of an old version for which an index was built
  uint64_t views_shared = 0;             // the others, which used an index that was there
  uint64_t replay_bytes_per_second = 0;  // of log, in the newest replay of 1 MiB or more; 0: there was none
  uint64_t value_cache_hits = 0,
           value_cache_misses = 0;  // look-ups; 0 without OpenOptions::value_cache_bytes
  uint64_t value_cache_bytes = 0;   // in use now
  friend bool operator==(const EngineStats&, const EngineStats&) = default;
};

// Long work under way in a writer.
struct WriterActivity {
  std::string what;    // "replay", "snapshot", "scrub"
  uint64_t done = 0;   // in the same unit as `total`: versions, or bytes of a scrub
  uint64_t total = 0;  // 0: unknown
  friend bool operator==(const WriterActivity&, const WriterActivity&) = default;
};

// What the process that has the store open reports about itself, at most a second late.
struct WriterStatus {
  uint64_t unix_ms = 0;         // time of the report; an idle writer does not repeat it
  uint64_t opened_unix_ms = 0;  // time of its open
  std::string state;            // "opening", "open", "rolling back", "unusable"
  std::string health;           // "ok", or the first error
  std::string engine_requested, engine_used, engine_reason;
  Durability durability = Durability::kSynced;
  Version version, durable_version;
  uint64_t slots_total = 0, slots_free = 0;
  uint64_t slots_available = 0;  // as SlotUse::available; at least so many
  std::vector<WriterActivity> activities;
  std::string checkpoint_error;  // CheckpointInfo::error
  EngineStats stats;             // zeros if the writer is of an older rawkv
  friend bool operator==(const WriterStatus&, const WriterStatus&) = default;
};

// The process that has the store open, as LOCK names it.
struct WriterInfo {
  int64_t pid = 0;
  std::string host;
  std::optional<WriterStatus> status;  // absent if it has not reported yet, or only looks at the store
};

// A torn tail that a recovery cut from the log.
struct TailCut {
  Version cut_after;     // the last version that stayed
  uint64_t bytes = 0;    // of the torn tail
  uint64_t unix_ms = 0;  // time of the cut
};

// Versions of the stored formats.
struct FormatNumbers {
  uint32_t store = 0, wal = 0, device = 0, snapshot = 0;
};

// The checkpoints of a store that makes them (FormatOptions::meta_total_bytes).
struct CheckpointInfo {
  std::optional<Version> version;  // of the newest one; absent: there is none, so a rebuild is not possible
  uint64_t created_unix_ms = 0;
  uint64_t records = 0;    // keys of that version
  uint64_t bytes = 0;      // that it takes on the device
  uint64_t bytes_max = 0;  // that one checkpoint may take
  std::string error;       // of the newest attempt in this open; "" if it succeeded, or none was made
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
  VersionRanges reachable;  // normalized
  std::optional<Version> current;
  std::vector<SnapshotRow> snapshots;
  SlotUse slots;
  std::vector<PinnedBy> pinned_by;
  uint64_t pinned_shared = 0;  // slots that several holders keep
  // The I/O engine of the device: as the options name it, as opened, and the reason for a difference.
  std::string engine_requested, engine_used, engine_reason;
  RuntimeSettings settings;  // those in force; of a store that is not open here: those of STORE
  std::string health;        // "ok", or the first error
  Status unopenable;         // of InspectStore: why an open would fail; ok if nothing shows that it would
  std::optional<WriterInfo> writer;  // another process that has the store open
  bool read_only_media = false;      // the store is on media that cannot be written
  std::optional<GivenUp> given_up;
  std::optional<TailCut> recovery;           // the newest torn tail that a recovery cut
  std::optional<CheckpointInfo> checkpoint;  // absent: the store makes none
  std::vector<std::string> aside;  // damaged files and directories of the store that were moved aside
};

// The work that leads to an old version.
struct ReplayEstimate {
  uint64_t undo_versions = 0;     // versions to undo, which takes next to no time
  uint64_t replay_records = 0;    // records of the log to replay
  uint64_t replay_bytes = 0;      // about how many bytes these take in the log
  uint64_t bytes_per_second = 0;  // of log that are replayed
  bool measured = false;          // `bytes_per_second` was measured in this store, and is not an assumption
  double seconds() const {
    return static_cast<double>(replay_bytes) /
           static_cast<double>(bytes_per_second == 0 ? 1 : bytes_per_second);
  }
};

// What a rollback does.
struct RollbackPlan {
  Version from, to, base;  // the tip; the target; the snapshot to start from
  uint64_t records = 0;    // log records to replay on the base
  // The rollback starts from the working index at this version instead of the base: above `to`, undo records
  // lead back; below, the log leads on. Absent: the base.
  std::optional<Version> start;
  ReplayEstimate estimate;  // only in the answer of a call that plans and changes nothing
  std::optional<VersionRange> versions_dropped;  // absent: to == from
  std::vector<Version> snapshots_dropped;
  std::vector<std::pair<std::string, Version>> pins_dropped;
  std::vector<std::string> blocked_by;  // empty: nothing blocks the rollback
  // The log is damaged below `to`, and `to` has a snapshot: the rollback cannot keep the log, which then
  // starts from scratch after `to`.
  bool log_begins_anew = false;
  // Versions below `to` that cannot be read afterwards for that reason, including the damaged ones.
  // Normalized.
  VersionRanges history_dropped;

  bool changes_nothing() const { return to == from && !log_begins_anew; }
};

// Facts about one version.
struct CommitRecord {
  Version version;
  Lineage lineage;
  uint64_t time_unix_ms = 0;
  std::string metadata;  // WriteBatch::SetMetadata
};

}  // namespace rawkv
