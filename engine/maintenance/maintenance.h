#pragma once

#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "engine/live/core.h"
#include "engine/live/engine_counters.h"
#include "engine/live/poison.h"
#include "engine/read/reader_epochs.h"
#include "engine/read/views.h"
#include "engine/store/store_survey.h"

namespace rawkv {

// Snapshots, retention, pins and the reuse of slots, beside commits (design §4 Snapshot, Prune).
// `mu` lets one such work run at a time; lock order: mu → Core::write_mu → allocator, views.
//
//   1. A snapshot is published only after device flush and log sync through its version.
//   2. `current` or a removal is durable first, then views and leases are listed, then slots are freed.
//   3. Before the first reuse under a higher floor the superblock records that floor; before each
//      reuse the readers under way have left.
class Maintenance {
 public:
  Maintenance(StoreContext& context, Core& core, Poison& poison, ReaderEpochs& epochs, ViewRegistry& views,
              EngineCounters& counters)
      : context_(context),
        core_(core),
        poison_(poison),
        epochs_(epochs),
        views_(views),
        counters_(counters) {}

  Mutex mu;

  // Settings that may change at run time.
  void SetRetention(uint64_t keep_recent) RAWKV_REQUIRES(mu) { keep_recent_ = keep_recent; }
  uint64_t keep_recent() const RAWKV_REQUIRES(mu) { return keep_recent_; }

  // Publishes what is in the index, moves `current`, prunes by the setting.
  Result<Version> CreateSnapshot() RAWKV_REQUIRES(mu);
  Status DeleteSnapshot(Version version) RAWKV_REQUIRES(mu);
  Result<std::vector<Version>> Prune(uint64_t keep) RAWKV_REQUIRES(mu);
  Result<Version> Pin(const std::string& name, std::optional<Version> version) RAWKV_REQUIRES(mu);
  Status Unpin(const std::string& name) RAWKV_REQUIRES(mu);
  // The device is full: a snapshot, everything but `current`, pins and views pruned, slots reclaimed.
  Status MakeSpace() RAWKV_REQUIRES(mu);
  // Makes every slot reusable that nothing reaches any more.
  Status Reclaim() RAWKV_REQUIRES(mu);

  // What is reachable now, in-process views and others' leases included.
  Result<Reachability> Reach() RAWKV_REQUIRES(mu);
  Status SyncStoreDir();
  // With everything in it that can be reached, or an error.
  Result<StoreSurvey> SurveyNow();
  std::vector<VersionHold> Holds();
  // A retained version, cloned from a snapshot. kVersionUnreachable.
  Result<std::shared_ptr<const EngineView>> OpenClone(Version version, const char* kind) RAWKV_REQUIRES(mu);

 private:
  Result<Version> Publish() RAWKV_REQUIRES(mu);
  Result<Version> PublishWithReserve() RAWKV_REQUIRES(mu);
  Status StartSegmentIfRoom() RAWKV_REQUIRES(core_.write_mu);
  Result<std::vector<Version>> ApplyRetention(uint64_t keep) RAWKV_REQUIRES(mu);
  Status DropLogBefore(Version version) RAWKV_REQUIRES(mu);
  // One batch of the walk; sets `*done` at its end.
  Status ReclaimSome(const Reachability& reach, std::optional<DeferredFree>* position, bool* done)
      RAWKV_REQUIRES(mu);

  StoreContext& context_;
  Core& core_;
  Poison& poison_;
  ReaderEpochs& epochs_;
  ViewRegistry& views_;
  EngineCounters& counters_;
  uint64_t keep_recent_ RAWKV_GUARDED_BY(mu) = context_.runtime.keep_recent;
};

}  // namespace rawkv
