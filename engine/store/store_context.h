#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "base/result.h"
#include "blockdev/open_block_device.h"
#include "blockdev/superblock.h"
#include "engine/api/options.h"
#include "engine/space/checkpoint_halves.h"
#include "engine/store/reserve.h"
#include "engine/store/store_file.h"
#include "engine/store/store_lock.h"
#include "engine/store/store_paths.h"
#include "snapshot/snapshot_store.h"
#include "wal/replay_rate.h"
#include "wal/wal.h"

namespace rawkv {

class KeyIndex;

enum class ContextAccess : uint8_t {
  kWrite,            // with the lock; the device is writable
  kInspect,          // with the lock; the device is open for reading, and nothing of the store is changed
  kRead,             // without the lock; the device is open for reading
  kAlongsideWriter,  // without the lock; the device is open for reading if that is possible
};

// The values that `format` fixes for the life of the store.
struct StoreIdentity {
  Uuid store_uuid;
  Uuid device_uuid;
  Version initial_version;
  uint64_t slot_bytes = 0;
  uint64_t header_bytes = 0;
  uint64_t inline_bytes = 0;
};

// A store's directory, lock and device, opened and compared with each other (invariant 14), without index and
// log. Recovery, rollback, the checker and the operator's commands use it.
//
// Data members are constant after OpenStoreContext, `device` and `lock` until the engine closes. The state
// that changes is private, under a mutex that is a leaf of the lock order. Functions are thread-safe unless
// they say otherwise.
class StoreContext {
 public:
  explicit StoreContext(std::string dir) : paths(std::move(dir)) {}

  std::unique_ptr<Fs> owners_fs;  // replaces the caller's file system if root opens another user's store
  Environment env;
  OpenOptions options;
  StorePaths paths;
  std::unique_ptr<StoreLock> lock;  // null with kRead and kAlongsideWriter
  StoreIdentity identity;
  RuntimeSettings runtime;  // STORE's settings with the overrides of this open
  std::string device_path;
  OpenedDevice device;
  std::unique_ptr<SuperblockStore> superblocks;
  std::unique_ptr<CheckpointHalves> checkpoints;  // null: the store makes none, or the device is not open
  std::unique_ptr<SnapshotStore> snapshots;
  std::unique_ptr<Reserve> reserve;
  // The open found no room at all, not even the reserve: the index may be in memory, and STORE does not count
  // this open. Reads, deletes and prunes work; puts, snapshots and rollbacks need another open. The recovery
  // sets it.
  std::atomic<bool> without_room{false};
  ReplayRate replay_rate;

  // Copies of the present STORE and superblock, and fields of them.
  DeviceLayout layout() const;  // only the number of slots changes, and only to a larger one
  StoreRecord record() const;
  Superblock superblock() const;
  LineageChain chain() const;
  Lineage lineage() const;      // the present branch
  Version reuse_floor() const;  // of an older store that was accepted: the floor of its time, from STORE
  Version closed_version()
      const;  // at least this version was durable: see StoreRecord, or the initial version

  WalContext log() const { return {env.fs, paths.wal(), identity.store_uuid, chain()}; }
  WalOptions wal_options() const { return {.segment_bytes = runtime.wal_segment_bytes}; }

  // Writes STORE durably, then STORE-COPY, then adopts `next` with a new sequence and the device's layout.
  // Does not write the superblock. After an error the present record stays; the files may be old or new.
  Status SaveRecord(const StoreRecord& next);
  // Writes both files again from the present record if they did not agree when they were read, or if the last
  // SaveRecord failed. Nothing may be built on a record that only one file holds (invariant 15).
  Status MendStoreFiles();
  // Reads STORE and the superblock again, which a writer may have changed. For a context without the lock.
  // kFailedPrecondition: it is another store now.
  Status Reload();
  // Adopt a record or a superblock in memory only.
  void AdoptRecord(const StoreRecord& next);
  // Notes whether STORE and STORE-COPY agreed when they were read.
  void AdoptFiles(const StoreFiles& files);
  void AdoptSuperblock(const Superblock& next);
  // The device has been used since STORE was written, and the caller accepts that.
  void AcceptOlderStore() { older_store_ = true; }
  // Writes the record and the reuse floor to the superblock, the floor to STORE before that if it differs
  // there. A rollback to a pin below the floor lowers it: the versions between are gone with their branch.
  // One caller at a time.
  Status UpdateSuperblock(Version reuse_floor);
  // SaveRecord with a larger layout, which counts from then on. For Grow, before the superblock has it.
  Status SaveGrowth(const DeviceLayout& grown);
  // Takes over a growth that STORE, which was read again, or the superblock shows. kFailedPrecondition: the
  // device is too small for it.
  Status AdoptGrowth(const DeviceLayout& found);
  // Reads from STORE whether a writer has grown the device. For a context without the lock.
  Status ReloadLayout();

 private:
  mutable Mutex mu_;
  Status SaveWith(const StoreRecord& next, const DeviceLayout& layout);

  std::atomic<bool> older_store_{false};
  DeviceLayout layout_ RAWKV_GUARDED_BY(mu_);
  StoreRecord record_ RAWKV_GUARDED_BY(mu_);
  uint64_t last_sequence_ RAWKV_GUARDED_BY(mu_) = 0;  // of the record, or of a save that failed
  bool files_agree_ RAWKV_GUARDED_BY(mu_) = false;
  Superblock superblock_ RAWKV_GUARDED_BY(mu_);
};

// The errors are those that Engine::Open documents. The context holds the lock until it is destroyed.
Result<std::unique_ptr<StoreContext>> OpenStoreContext(const std::string& dir, const OpenOptions& options,
                                                       ContextAccess access);

// The record for the superblock, without what is of no use there. Empty if it does not fit: the chain is
// long.
std::string OwnerRecordOf(const StoreRecord& record);

// The path of the device: from the options, otherwise from STORE.
std::string DevicePathOf(const StoreRecord& record, const std::string& store_dir, const OpenOptions& options);

// Whether `path`, in the store's directory, is the store's device. Compares the files and not only the paths,
// as the device may have been opened through links.
bool IsDevice(const StoreContext& context, const std::string& path);

// kFailedPrecondition: the device is in the store's directory under a name that the engine itself uses, and
// so would replace or sweep.
Status CheckDeviceName(Fs& fs, const std::string& store_dir, const std::string& device_path);

// Whether another process has the store open. For a context without the lock. Takes no lock itself. For
// information and advice only: some network filesystems do not show it.
bool IsOpenElsewhere(const StoreContext& context);

// Opens an index directory for reading only.
Result<std::unique_ptr<KeyIndex>> OpenIndexForReading(const Environment& env, const std::string& index_dir);

// Callbacks of SnapshotStore: the version and lineage of an index, and the checksum of a file.
Result<SnapshotFacts> InspectIndex(const Environment& env, const std::string& index_dir);
FileChecksummer SnapshotChecksummer(const Environment& env);

// Runs `work` with the store's reserve (Reserve::With).
Status WithReserve(StoreContext& context, const std::function<Status()>& work);
// Fills the store's reserve again as far as there is room, and logs it if that is not enough.
void RefillReserve(StoreContext& context);
// Ok if a put is admitted; kNoSpace, with advice, while the reserve is too small.
Status AdmitPut(const StoreContext& context);
// kNoSpace, with advice, if the store was opened without room.
Status CheckOpenedWithRoom(const StoreContext& context);

}  // namespace rawkv
