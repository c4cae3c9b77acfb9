#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/entropy.h"
#include "base/fs.h"
#include "base/logger.h"
#include "base/types.h"
#include "blockdev/open_block_device.h"
#include "engine/api/read_view.h"
#include "engine/api/settings.h"

namespace rocksdb {
class FileSystem;
}

namespace rawkv {

// Everything outside of rawkv, passed in; the defaults are the real ones. All objects must outlive the engine
// and be thread-safe.
struct Environment {
  Fs* fs = &PosixFs();
  Clock* clock = &SystemClock();
  Entropy* entropy = &SystemEntropy();
  Logger* logger = &StderrLogger();
  std::shared_ptr<rocksdb::FileSystem> index_fs;  // for the index; null: RocksDB's default
  std::function<Result<OpenedDevice>(const std::string&, const DeviceOpenOptions&)> open_device =
      OpenBlockDevice;
  // Makes a device of `capacity_bytes` at a path where a format or import finds nothing.
  std::function<Status(const std::string&, uint64_t capacity_bytes)> create_device = CreateDeviceFile;
};

// How far a long operation is.
struct Progress {
  const char* what = "";  // "replay", "export", "verify", …
  uint64_t done = 0;      // in the same unit as `total`
  uint64_t total = 0;     // 0: unknown
  const char* unit = "";  // of `done` and `total`, in the plural: "bytes", "versions", …
};
// Called from the working thread, at most a few times a second.
using ProgressFn = std::function<void(const Progress&)>;

// The options from `device` to `digest` are fixed for the life of the store.
struct FormatOptions {
  std::string device;                    // path; empty: the sparse file device.img in the store's directory
  uint64_t capacity_bytes = 1ull << 30;  // of a device file that the format makes
  uint64_t slot_bytes = 4096;            // allocation unit: a multiple of 4096, up to 64 MiB
  uint64_t header_bytes = 0;     // of each extent (docs/formats/extent-header.md); 0 or a multiple of 4096
  uint64_t inline_bytes = 1024;  // values up to this size stay in the index; 0 … 64 KiB
  // Bytes of the device for two checkpoints of the index, from which a lost store directory can be rebuilt
  // (docs/formats/checkpoint.md); each half must hold the whole index. A multiple of 8192, at least 64 KiB.
  // 0: the store makes no checkpoints.
  uint64_t meta_total_bytes = 0;
  Version initial_version;  // version of the empty state; 0 … 2^62
  bool digest = false;      // a state digest for each version; not supported yet (kNotSupported)
  bool force = false;       // overwrite a foreign signature, an older store or an unfinished import
  // Writes zeros to the whole device file. Otherwise the file is sparse: the first write to each part of it
  // waits for the filesystem to find new blocks, and fails when the filesystem has none left.
  // kInvalidArgument: the device is not a file.
  bool preallocate = false;
  ProgressFn progress;  // of the preallocation
  RuntimeSettings runtime;
  Environment env;
};

struct OpenOptions {
  IoEngine engine = IoEngine::kAuto;
  CacheMode cache = CacheMode::kDirect;
  uint32_t queue_depth = 64;  // transfers in flight; 1 … 1024

  SettingsChange settings;  // override those of STORE until the engine is closed

  // Reads the newest version through a throw-away clone of the index, also while another process writes to
  // the store, and changes nothing that belongs to the store (protocols: leased view steps 1 to 6). Until the
  // engine is closed, the writer keeps that version: its slots are not reused, and it cannot be rolled back.
  // Engine::Refresh moves on to a newer version.
  bool read_only = false;
  // Only with `read_only` (otherwise kInvalidArgument): also opens a metadata directory that is older than
  // its device, such as a restored backup. Every read verifies its checksums as always: a value whose slots
  // were overwritten since is kCorruption, and the others are as they were at the time of the backup.
  bool accept_older_store = false;
  // The caller only reads and closes at once, as `info` does. An open for writing by somebody else then waits
  // up to 2 s for this one, instead of failing with kBusy.
  bool only_look = false;
  // How long to wait for another process that has the store open, or with `read_only` for one that rolls it
  // back. After that time the open answers kBusy.
  uint64_t lock_wait_ms = 0;
  // Path of the device, if it moved. The open checks the device's UUID, and STORE keeps the new path.
  std::string device;
  // Values that the caller expects to be fixed in STORE. If STORE has another value, the open returns
  // kInvalidArgument, and the message names both.
  std::optional<uint64_t> slot_bytes;
  std::optional<uint64_t> inline_bytes;
  std::optional<uint64_t> header_bytes;

  uint64_t memtable_bytes = 64ull << 20;  // index changes held in memory before a flush; at least 16 KiB
  uint64_t group_bytes_max = 8ull << 20;  // log bytes of one commit group; a larger commit is its own group
  uint64_t block_cache_bytes = 256ull << 20;  // RocksDB's cache of table blocks
  // For copies of values that were read from the tip, up to 16 KiB each: a read of one of them needs neither
  // the index nor the device. Commits then remove the keys that they change. 0: none.
  uint64_t value_cache_bytes = 0;
  bool discard_freed = false;  // discard slots on the device when they become free

  // Bytes a second that a scrub in the background reads, one pass after the other (Engine::StartScrub); 0: no
  // limit. Absent: no scrub in the background. Ignored with `read_only`.
  std::optional<uint64_t> scrub_bytes_per_second;
  uint64_t scrub_rest_seconds = 7 * 86400;  // from the end of one pass to the start of the next
  // How often an open for writing replaces the file STATUS, from which `info` in another process shows its
  // state: at most once in this time, and only if something has changed. 0: only at the open.
  uint64_t status_interval_ms = 1000;
  // For a store with checkpoints (FormatOptions::meta_total_bytes): a new one is written after this time,
  // once no commit comes for a moment, and in any case when the newest one is older than the maximum age
  // while there are newer versions. The close writes one, too. An interval of 0: only the close and
  // Engine::WriteCheckpoint write one.
  uint64_t checkpoint_interval_ms = 60'000;
  uint64_t checkpoint_max_age_ms = 600'000;
  // Whether an open for writing performs what other processes of the same user, or of root, ask for: pins,
  // snapshots, prunes and changes of settings (RunningStore), for example for rawkv-ctl.
  bool serve_requests = true;
  // With serve_requests: answers RunningStore::AskProgram of other processes. Called by a thread of the
  // engine, one call at a time, from within the open until the close. May call the engine; must not throw.
  std::function<Result<std::string>(std::string_view request)> serve_program;
  ProgressFn progress;
  Environment env;
};

struct ReadOptions {
  const ReadView* view = nullptr;  // null: the tip at the time of the call
};

// Of IteratorOptions::read_ahead_bytes.
inline constexpr uint64_t kMaxReadAheadBytes = 64ull << 20;

struct IteratorOptions {
  std::shared_ptr<const ReadView> view;  // null: the tip; the iterator keeps the view open
  std::string lower;                     // inclusive; "": from the first key
  std::string upper;                     // exclusive; "": to the last key
  std::string prefix;                    // narrows the bounds further
  // Once the caller has read the values of two consecutive entries, the iterator reads those that follow
  // together, at most so many bytes, and keeps them until it is there. So a walk in either direction waits
  // for the device less often. 0 … 64 MiB; 0: off.
  uint64_t read_ahead_bytes = 2ull << 20;
};

struct CommitOptions {
  std::optional<Version> expected_version;  // the version that this commit must become
  std::optional<Durability> durability;     // absent: the store's setting
};

struct RollbackOptions {
  bool drop_pins = false;  // remove named pins above the target instead of refusing
};

struct ExportOptions {
  Version version;
  std::string out;                    // directory, see Engine::Export
  uint64_t chunk_bytes = 8ull << 20;  // size of one chunk file; 1 … 16 MiB
  ProgressFn progress;
};

}  // namespace rawkv
