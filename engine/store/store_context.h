#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "base/result.h"
#include "blockdev/open_block_device.h"
#include "blockdev/superblock.h"
#include "engine/api/options.h"
#include "engine/store/reserve.h"
#include "engine/store/store_file.h"
#include "engine/store/store_lock.h"
#include "engine/store/store_paths.h"
#include "snapshot/snapshot_store.h"
#include "wal/wal.h"

namespace rawkv {

enum class ContextAccess : uint8_t {
  kWrite,         // lock, device writable
  kInspect,       // lock, device opened for reading; nothing of the store is changed
  kBesideWriter,  // no lock; the device for reading if it can be had
};

// A store's identity, lock and device, opened and checked against each other (design invariant 14);
// no index, no log. What recovery, rollback, the checker and the operator's commands stand on.
struct StoreContext {
  explicit StoreContext(std::string dir) : paths(std::move(dir)) {}

  std::unique_ptr<Fs> owners_fs;  // in place of the caller's, where root visits another user's store
  Environment env;
  OpenOptions options;
  StorePaths paths;
  std::unique_ptr<StoreLock> lock;  // null beside a writer
  StoreRecord record;               // as STORE says
  RuntimeSettings runtime;          // STORE's, with this open's overrides
  std::string device_path;
  OpenedDevice device;
  Superblock superblock;
  std::unique_ptr<SuperblockStore> superblocks;
  std::unique_ptr<SnapshotStore> snapshots;
  std::unique_ptr<Reserve> reserve;
  // The open found no room at all, not even the reserve: the index may be in memory, and STORE does not count
  // this open. Reads and what gives room back work; puts and snapshots need another open. Set by recovery.
  std::atomic<bool> without_room{false};

  const DeviceLayout& layout() const { return superblock.layout; }
  WalContext log() const { return {env.fs, paths.wal(), record.store_uuid, record.chain}; }
  WalOptions wal_options() const { return {.segment_bytes = runtime.wal_segment_bytes}; }

  // STORE on disk, then `record`. The superblock is told separately.
  Status SaveRecord(const StoreRecord& next);
  // `record` becomes `next` in what changes during a store's life. What `format` fixed is not written again,
  // because any thread reads it without a lock.
  void AdoptRecord(const StoreRecord& next);
  // The superblock learns lineage and open generation of `record`, and the reuse floor. A rollback
  // below the floor (to a pin) lowers it: what lay between is gone with its branch.
  Status TellDevice(Version reuse_floor);
};

// Refuses with the causes that Engine::Open documents. The lock is held as long as the context lives.
Result<std::unique_ptr<StoreContext>> OpenStoreContext(const std::string& dir, const OpenOptions& options,
                                                       ContextAccess access);

// Where the device is looked for: as the options say, else as STORE remembers.
std::string DevicePathOf(const StoreRecord& record, const std::string& store_dir, const OpenOptions& options);

// Whether `path`, in the store's directory, is the store's device. The path by which the device was opened
// does not decide it: it may lead there through links.
bool IsDevice(const StoreContext& context, const std::string& path);

// kFailedPrecondition if the device lies in the store's directory under a name that the engine uses itself,
// and so would replace or sweep.
Status CheckDeviceName(Fs& fs, const std::string& store_dir, const std::string& device_path);

// Ranges of the settings; kInvalidArgument.
Status ValidateRuntime(const RuntimeSettings& settings);

// Callbacks over the index for SnapshotStore, reading `dir`s of this store.
Result<SnapshotFacts> InspectIndex(const Environment& env, const std::string& index_dir);
FileChecksummer SnapshotChecksummer(const Environment& env);

// Reserve::With of the store.
Status WithBallast(StoreContext& context, const std::function<Status()>& work);
// Fills the store's reserve as far as there is room.
void EnsureBallast(StoreContext& context);
// Ok if data may be added; kNoSpace, with what to do, while the room that is left is kept for other work.
Status AdmitPut(const StoreContext& context);
// kNoSpace, with what to do, if the store was opened without room.
Status CheckOpenedWithRoom(const StoreContext& context);

}  // namespace rawkv
