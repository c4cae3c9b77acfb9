#pragma once

#include <array>
#include <optional>
#include <vector>

#include "base/lineage_chain.h"
#include "base/logger.h"
#include "base/mutex.h"
#include "blockdev/checkpoint_region.h"
#include "engine/api/info.h"
#include "engine/space/reachability.h"

namespace rawkv {

// The two halves of the metadata region of one store, and the versions that they hold (invariant 16):
//
//   1. While a half has a whole header of this store, its version is a hold: no slot that the version needs
//      is given out again. So each checkpoint that a rebuild accepts is exact.
//   2. A hold is in force before its header is written, and ends after the header was erased durably.
//
// Thread-safe, but one caller at a time may write: Attach, Release and Publish.
class CheckpointHalves {
 public:
  CheckpointHalves(BlockDevice& device, const DeviceLayout& layout, const Uuid& device_uuid,
                   const Uuid& store_uuid)
      : region_(device, layout), device_uuid_(device_uuid), store_uuid_(store_uuid) {}

  // Reads both headers. A half without a whole header of this store holds nothing.
  void Load() { Adopt(region_.Inspect()); }
  // Load, and erases what a rebuild must not accept: a checkpoint of a branch that the chain has left, whose
  // slots may be given out from now on, and a header that is damaged or cannot be read now. Call it before
  // slots are given out. An error means that such a header may still be there.
  Status Attach(const LineageChain& chain, Logger& logger);

  // One hold for each half in use, for the survey of what is reachable.
  std::vector<VersionHold> Holds() const;
  // The newest checkpoint that is whole; absent: there is none.
  std::optional<CheckpointHeader> Newest() const;
  // The half that the next checkpoint overwrites: one without a checkpoint, otherwise the older one.
  int NextHalf() const;
  // For `info`. NoteOutcome keeps the result of the newest attempt to write one.
  CheckpointInfo Describe() const;
  void NoteOutcome(const Status& outcome);
  uint64_t NextSequence() const;

  // Erases the header of the half durably, then lets go of its version. After an error the hold stays.
  Status Release(int half);
  // Holds the version of the header, then writes the header durably. After an error the hold stays, and the
  // header may be there. The caller has made the content durable, and holds the version until this returns.
  Status Publish(int half, const CheckpointHeader& header);

  CheckpointRegion& region() { return region_; }

 private:
  using Found = std::array<CheckpointRegion::Half, CheckpointRegion::kHalves>;
  void Adopt(const Found& found);

  struct Half {
    std::optional<CheckpointHeader> header;
    bool whole = false;  // the header is durable
  };

  CheckpointRegion region_;
  const Uuid device_uuid_;
  const Uuid store_uuid_;
  mutable Mutex mu_;  // a leaf of the lock order
  std::array<Half, CheckpointRegion::kHalves> halves_ RAWKV_GUARDED_BY(mu_);
  uint64_t last_sequence_ RAWKV_GUARDED_BY(mu_) = 0;
  Status outcome_ RAWKV_GUARDED_BY(mu_);
};

}  // namespace rawkv
