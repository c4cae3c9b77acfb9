#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "base/mutex.h"
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
  kWrite,            // lock, device writable
  kInspect,          // lock, device opened for reading; nothing of the store is changed
  kAlongsideWriter,  // no lock; the device for reading if it can be had
};

// What `format` fixed for the store's life.
struct StoreIdentity {
  Uuid store_uuid;
  Uuid device_uuid;
  Version initial_version;
  uint64_t slot_bytes = 0;
  uint64_t header_bytes = 0;
  uint64_t inline_bytes = 0;
};

// A store's directory, lock and device, opened and checked against each other (invariant 14); no index, no
// log. Recovery, rollback, the checker and the operator's commands stand on it.
//
// Data members are constant once OpenStoreContext has returned, `device` and `lock` until the engine closes.
// What changes during a store's life is private, under a mutex that is a leaf of the lock order.
class StoreContext {
 public:
  explicit StoreContext(std::string dir) : paths(std::move(dir)) {}

  std::unique_ptr<Fs> owners_fs;  // in place of the caller's, where root visits another user's store
  Environment env;
  OpenOptions options;
  StorePaths paths;
  std::unique_ptr<StoreLock> lock;  // null alongside a writer
  StoreIdentity identity;
  RuntimeSettings runtime;  // STORE's, with this open's overrides
  std::string device_path;
  OpenedDevice device;
  DeviceLayout layout;
  std::unique_ptr<SuperblockStore> superblocks;
  std::unique_ptr<SnapshotStore> snapshots;
  std::unique_ptr<Reserve> reserve;
  // The open found no room at all, not even the reserve: the index may be in memory, and STORE does not count
  // this open. Reads and what gives room back work; puts and snapshots need another open. Set by recovery.
  std::atomic<bool> without_room{false};

  // Copies of STORE and of the superblock as they are now.
  StoreRecord record() const;
  Superblock superblock() const;
  LineageChain chain() const;
  Lineage lineage() const;  // the present branch
  Version reuse_floor() const;

  WalContext log() const { return {env.fs, paths.wal(), identity.store_uuid, chain()}; }
  WalOptions wal_options() const { return {.segment_bytes = runtime.wal_segment_bytes}; }

  // Writes STORE, then adopts `next`. The superblock is updated separately.
  Status SaveRecord(const StoreRecord& next);
  // In memory only.
  void AdoptRecord(const StoreRecord& next);
  void AdoptSuperblock(const Superblock& next);
  // Writes lineage and open generation of the record, and the reuse floor, to the superblock. A rollback
  // below the floor (to a pin) lowers it: what lay between is gone with its branch. One caller at a time.
  Status UpdateSuperblock(Version reuse_floor);

 private:
  mutable Mutex mu_;
  StoreRecord record_ RAWKV_GUARDED_BY(mu_);
  Superblock superblock_ RAWKV_GUARDED_BY(mu_);
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
Status WithReserve(StoreContext& context, const std::function<Status()>& work);
// Fills the store's reserve as far as there is room.
void RefillReserve(StoreContext& context);
// Ok if data may be added; kNoSpace, with what to do, while the room that is left is kept for other work.
Status AdmitPut(const StoreContext& context);
// kNoSpace, with what to do, if the store was opened without room.
Status CheckOpenedWithRoom(const StoreContext& context);

}  // namespace rawkv
