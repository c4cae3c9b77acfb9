#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/entropy.h"
#include "base/fs.h"
#include "base/logger.h"
#include "base/types.h"
#include "blockdev/open_block_device.h"
#include "engine/api/read_view.h"

namespace rocksdb {
class FileSystem;
}

namespace rawkv {

enum class Durability : uint8_t {
  kSynced = 0,          // acknowledged means durable
  kUnsafeUnsynced = 1,  // acknowledged means applied; a power cut may lose the newest versions, never
                        // tear one. Sync() and durable_version() tell where durability stands
};

// The world as parameters; the defaults are the real one. All must outlive the engine. Thread-safe.
struct Environment {
  Fs* fs = &PosixFs();
  Clock* clock = &SystemClock();
  Entropy* entropy = &SystemEntropy();
  Logger* logger = &StderrLogger();
  std::shared_ptr<rocksdb::FileSystem> index_fs;  // null: RocksDB's default
  std::function<Result<OpenedDevice>(const std::string&, const DeviceOpenOptions&)> open_device =
      OpenBlockDevice;
  // Where a format or import finds nothing at the device's path.
  std::function<Status(const std::string&, uint64_t capacity_bytes)> create_device = CreateDeviceFile;
};

// Kept in STORE at format; an open may override each for its run.
struct RuntimeSettings {
  uint64_t snapshot_interval = 10000;        // versions between automatic snapshots; 0 = none
  uint64_t keep_recent = 2;                  // unpinned snapshots kept besides the newest
  uint64_t wal_segment_bytes = 64ull << 20;  // 64 KiB … 1 GiB
  Durability durability = Durability::kSynced;
};

// Fixed for the store's life, but for `runtime`.
struct FormatOptions {
  std::string device;                    // path; empty = a sparse file STORE/device.img
  uint64_t capacity_bytes = 1ull << 30;  // of a device file that is made; an existing one keeps its size
  uint64_t slot_bytes = 4096;            // allocation unit: a multiple of 4096 up to 64 MiB
  uint64_t header_bytes = 0;             // self-describing extents: 0 or a multiple of 4096
  uint64_t inline_bytes = 1024;          // values up to this stay in the index; 0 … 64 KiB
  Version initial_version;               // version of the empty state
  bool digest = false;                   // state digest a version; not supported yet
  bool force = false;                    // overwrite a foreign signature or an older store
  RuntimeSettings runtime;
  Environment env;
};

// Long work tells how far it is; called from the working thread, at most a few times a second.
struct Progress {
  const char* what = "";  // "replay", "export", "verify", …
  uint64_t done = 0;
  uint64_t total = 0;  // 0 = unknown
};
using ProgressFn = std::function<void(const Progress&)>;

struct OpenOptions {
  IoEngine engine = IoEngine::kAuto;
  CacheMode cache = CacheMode::kDirect;
  uint32_t queue_depth = 64;             // 1 … 1024
  std::optional<Durability> durability;  // overrides for this run; absent = as kept in STORE
  std::optional<uint64_t> snapshot_interval;
  std::optional<uint64_t> keep_recent;
  std::optional<uint64_t> wal_segment_bytes;
  bool read_only = false;  // reads a throw-away clone; changes nothing of the store's
  // The caller only looks and closes again at once, as `info` does: an open for writing waits for it up to
  // 2 s instead of failing with kBusy.
  bool only_look = false;
  std::string device;  // where a moved device is now; checked by UUID, hint updated
  // What the caller believes was fixed at format; a difference is kInvalidArgument naming both.
  std::optional<uint64_t> slot_bytes;
  std::optional<uint64_t> inline_bytes;
  std::optional<uint64_t> header_bytes;
  uint64_t memtable_bytes = 64ull << 20;      // index changes held in memory before a flush; from 16 KiB
  uint64_t group_bytes_max = 8ull << 20;      // log bytes of one commit group
  uint64_t block_cache_bytes = 256ull << 20;  // of the index
  bool discard_freed = false;                 // tell the device about reclaimed slots
  // Verification in the background, pass after pass (Engine::StartScrub): reads at most so many bytes a
  // second, 0 = as fast as it goes. Absent: off. Not when reading only.
  std::optional<uint64_t> scrub_bytes_per_second;
  uint64_t scrub_rest_seconds = 7 * 86400;  // from the end of a pass to the next one
  ProgressFn progress;
  Environment env;
};

struct ReadOptions {
  const ReadView* view = nullptr;  // null: the tip at the time of the call
};

struct IteratorOptions {
  std::shared_ptr<const ReadView> view;  // null: the tip; the iterator keeps it alive
  std::string lower;                     // inclusive; "" = from the first key
  std::string upper;                     // exclusive; "" = to the last key
  std::string prefix;                    // narrows the bounds further
};

struct CommitOptions {
  std::optional<Version> expected_version;  // the version this commit must become
  std::optional<Durability> durability;     // absent: the store's
};

struct RollbackOptions {
  bool drop_pins = false;  // drop named pins above the target instead of refusing
};

struct ExportOptions {
  Version version;
  std::string out;                    // directory, absent or empty
  uint64_t chunk_bytes = 8ull << 20;  // 1 … 16 MiB
  ProgressFn progress;
};

}  // namespace rawkv
