#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "engine/api/info.h"
#include "engine/api/options.h"
#include "engine/live/core.h"
#include "engine/live/engine_counters.h"
#include "engine/live/poison.h"
#include "engine/read/reader_epochs.h"
#include "engine/read/views.h"
#include "engine/store/store_survey.h"

namespace rawkv {

// What of the past is kept at one moment.
struct Retained {
  StoreSurvey survey;
  Reachability reach;  // with in-process views and leases of other processes
};

// Snapshots, retention, pins and the reuse of slots, alongside commits (protocols: snapshot steps 1 to 13,
// prune steps 1 to 11).
//
//   1. A snapshot is published only after device flush and log sync through its version.
//   2. `current` or a removal is durable first, then views and leases are listed, then slots are freed.
//   3. Before the first reuse under a higher floor the superblock records that floor; before each
//      reuse the readers under way have left.
//   4. `mu_` is held while snapshots get and lose their names, the log is dropped and slots are freed, never
//      while a snapshot is built or an old version is replayed.
//
// Every caller is inside the OperationGate, or has it shut. Lock order: publish_mu_ → mu_ → WriteRight →
// allocator, views. Thread-safe.
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

  void SetRetention(uint64_t keep_recent) { keep_recent_ = keep_recent; }

  // Publishes what is in the index, moves `current`, prunes by the setting.
  Result<Version> CreateSnapshot();
  Status DeleteSnapshot(Version version);
  // Without `keep`: by the setting.
  Result<std::vector<Version>> Prune(std::optional<uint64_t> keep);
  Result<Version> Pin(const std::string& name, std::optional<Version> version);
  Status Unpin(const std::string& name);
  // For a commit that finds no free slot. Frees what nothing reaches any more; waits for no snapshot.
  Status ReclaimSpace();
  // The same commit, when that was not enough: a snapshot, everything but `current`, pins and views pruned.
  Status MakeSpace();

  // What a rollback to `target` would do now, with everything that blocks it.
  Result<RollbackPlan> PlanRollback(Version target, const RollbackOptions& options);
  // A retained version, cloned from a snapshot. kVersionUnreachable.
  Result<std::shared_ptr<const EngineView>> OpenClone(Version version, const char* kind);
  // An error when something that may be reachable cannot be read.
  Result<Retained> SurveyRetained();

  // Calls `look`, a function that only reads, concurrently with everything here. If it fails, it may have met
  // something half-done, and is called again while nothing is being done.
  template <typename Fn>
  auto RunAlongside(const Fn& look) -> decltype(look()) {
    auto found = look();
    if (found.ok()) return found;
    return RunWhileQuiet(look);
  }
  // Calls `look` while nothing is removed or freed.
  template <typename Fn>
  auto RunWhileQuiet(const Fn& look) -> decltype(look()) {
    MutexLock lock(mu_);
    return look();
  }

 private:
  Result<StoreSurvey> SurveyNow();
  std::vector<VersionHold> Holds();
  Status SyncStoreDir();
  Result<Version> Publish();
  Result<Version> BuildAndPublish() RAWKV_REQUIRES(publish_mu_);
  Status FlushIndex() RAWKV_REQUIRES(publish_mu_);
  Status StartSegmentIfRoom() RAWKV_REQUIRES(core_.write_right());
  Result<std::vector<Version>> ApplyRetention(uint64_t keep) RAWKV_REQUIRES(mu_);
  Status DropLogBefore(Version version) RAWKV_REQUIRES(mu_);
  // Makes every slot reusable that nothing reaches any more.
  Status Reclaim() RAWKV_REQUIRES(mu_);
  // One batch of the walk; sets `*done` at its end.
  Status ReclaimSome(const Reachability& reach, std::optional<DeferredFree>* position, bool* done)
      RAWKV_REQUIRES(mu_);

  StoreContext& context_;
  Core& core_;
  Poison& poison_;
  ReaderEpochs& epochs_;
  ViewRegistry& views_;
  EngineCounters& counters_;
  std::atomic<uint64_t> keep_recent_{context_.runtime.keep_recent};

  Mutex publish_mu_;  // one snapshot is built at a time
  Mutex mu_;
};

}  // namespace rawkv
