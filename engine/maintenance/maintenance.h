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

// The versions that the store retains at one moment.
struct Retained {
  StoreSurvey survey;
  Reachability reach;  // with the views of this process and the leases of others

  // Whether a look that began with this and ended with `after` met no change halfway: no snapshot came or
  // went, and `current` names the newest one, as it does once a snapshot is complete.
  bool IsUnchanged(const Retained& after) const;
};

// How a look at the store's directory is taken.
enum class Sight : uint8_t {
  kAlongside,  // concurrently with maintenance
  kQuiet,      // while nothing is published, removed or freed
};

// Snapshots, retention, pins and the reuse of slots, alongside commits (protocols: snapshot steps 1 to 13,
// prune steps 1 to 11).
//
//   1. A snapshot is published only after the device is flushed and the log is synced through its version.
//   2. A new `current` or a removal becomes durable before views and leases are listed, and they are listed
//      before slots are freed.
//   3. The superblock records a higher floor before a slot is reused under it. Before each reuse, the readers
//      that were under way have left.
//   4. `mu_` is held while snapshots get and lose their names, the log is dropped and slots are freed. It is
//      not held while a snapshot is built or an old version is replayed.
//
// Every caller is inside the OperationGate, or has it shut. Lock order: publish_mu_ → mu_ → WriteRight →
// allocator, views. Thread-safe. Engine documents the errors of the operations of the same name.
class Maintenance {
 public:
  Maintenance(StoreContext& context, Core& core, Poison& poison, ReaderEpochs& epochs, ViewRegistry& views,
              EngineCounters& counters, uint64_t log_bytes_since_snapshot)
      : context_(context),
        core_(core),
        poison_(poison),
        epochs_(epochs),
        views_(views),
        counters_(counters),
        log_bytes_at_open_(log_bytes_since_snapshot) {}

  // Writes the settings to STORE, and returns all of them. Those that count at once are in force then.
  Result<RuntimeSettings> KeepSettings(const SettingsChange& change);
  // The settings that are in force.
  RuntimeSettings settings() const;

  // kLogBytes: retention does not count the snapshot (RetentionInput::Item::uncounted).
  enum class SnapshotCause : uint8_t { kOther, kLogBytes };
  // Publishes the tip as a snapshot, makes it `current`, and prunes by the setting.
  Result<Version> CreateSnapshot(SnapshotCause cause = SnapshotCause::kOther);
  // Whether FreezeForSnapshot was called at the version that a snapshot is made of.
  enum class IndexFlush : uint8_t { kNone, kBegun };
  // The same for a version at or below the tip. It becomes `current` if that is older. With kBegun its
  // content comes from the index flush under way, if no other flush has begun since; otherwise from a clone
  // of the version.
  Status CreateSnapshotOf(Version version, IndexFlush flush);
  // Makes the tip durable and begins an index flush that ends with it. An error that lacks_resource() has
  // changed nothing; any other one has poisoned the engine.
  Status FreezeForSnapshot() RAWKV_REQUIRES(core_.write_right());
  // Log bytes that an open would have to read after the newest snapshot.
  uint64_t LogBytesSinceSnapshot() const {
    return log_bytes_at_open_ + counters_.log_bytes_written - log_bytes_at_snapshot_;
  }
  Status DeleteSnapshot(Version version);
  // Without `keep`: by the settings.
  Result<std::vector<Version>> Prune(std::optional<uint64_t> keep);
  Result<Version> Pin(const std::string& name, std::optional<Version> version);
  Status Unpin(const std::string& name);
  // Forgets the report of given-up history.
  Status AcknowledgeGivenUp();
  // For a commit that finds no free slot. Frees the slots that nothing needs any more. Does not wait for a
  // snapshot.
  Status ReclaimSpace();
  // For the same commit, if that was not enough. Makes a snapshot and prunes down to it; pins, views and
  // leases stay.
  Status MakeSpace();

  // What a rollback to `target` would do now, with everything that blocks it.
  Result<RollbackPlan> PlanRollback(Version target, const RollbackOptions& options);
  // The work of OpenClone. kVersionUnreachable.
  Result<ReplayEstimate> EstimateView(Version version);
  // Opens a clone view of a retained version. kVersionUnreachable.
  Result<std::shared_ptr<const EngineView>> OpenClone(Version version, const char* kind);
  // Flushes the index, so that a clone of it holds the tip. An error that lacks_resource() has changed
  // nothing; any other one has poisoned the engine.
  Status FlushForClone();
  // Surveys what is reachable now. An error if something that may be reachable cannot be read.
  Result<Retained> SurveyRetained();

  // The pins, views and leases of now. Waits for nothing.
  Result<std::vector<VersionHold>> SurveyHolds();

  // Calls `look`, a function that only reads, without a lock. If it fails, it may have met a half-done
  // change, so calls it again: at once if it answers kBusy, and then under `mu_`.
  template <typename Fn>
  auto RunAlongside(const Fn& look) -> decltype(look(Sight::kQuiet)) {
    for (int attempt = 0; attempt < 3; ++attempt) {
      auto found = look(Sight::kAlongside);
      if (found.ok()) return found;
      if (found.status().code() != StatusCode::kBusy) break;
    }
    return RunWhileQuiet([&] { return look(Sight::kQuiet); });
  }
  // Calls `look` under `mu_`, while nothing is removed or freed.
  template <typename Fn>
  auto RunWhileQuiet(const Fn& look) -> decltype(look()) {
    MutexLock lock(mu_);
    return look();
  }

 private:
  Result<StoreSurvey> SurveyNow();
  std::vector<VersionHold> Holds();
  Result<std::vector<VersionHold>> SurveyReaders();
  Status SyncStoreDir();
  // Publishes the tip as a snapshot and makes it `current`. With `pin`, a name, also pins it, before any
  // prune can remove it.
  Result<Version> Publish(const std::string* pin, SnapshotCause cause);
  Result<Version> BuildAndPublish(const std::string* pin, SnapshotCause cause) RAWKV_REQUIRES(publish_mu_);
  // Publishes a clone of a version, and pins it with `pin`. If it is newer than the current snapshot, it
  // becomes the current one.
  Status PublishClone(const std::string* pin, Version version) RAWKV_REQUIRES(publish_mu_);
  // Publishes the content of the last index flush if it ends with `version`. Returns whether it did.
  Result<bool> PublishFlushed(Version version) RAWKV_REQUIRES(publish_mu_);
  Status PublishStaged(const Manifest& staged) RAWKV_REQUIRES(mu_);
  Status SyncThrough(Version version);
  Status AddPin(const std::string& name, Version version) RAWKV_REQUIRES(mu_);
  Status FlushIndex() RAWKV_REQUIRES(publish_mu_);
  Status StartIndexFlush() RAWKV_REQUIRES(core_.write_right());
  Status FinishIndexFlush();
  // The way to `target`, with the holds that block a rollback.
  Result<RollbackPlan> PlanWay(Version target, const std::vector<VersionHold>& holds,
                               const RollbackOptions& options);
  // Whether undo records may lead to the version.
  bool InUndoWindow(Version version) const;
  // Makes the working index fit for a clone that is moved to `version`.
  Status PrepareClone(Version version);
  // OpenClone from this source, whose base is still to be found.
  Result<std::shared_ptr<const EngineView>> OpenCloneOf(CloneSource source, Version version,
                                                        const char* kind);
  Status StartSegmentIfRoom() RAWKV_REQUIRES(core_.write_right());
  // Readers of other processes that are about to open the store: kSpare removes nothing while there are any.
  enum class Openers : uint8_t { kSpare, kIgnore };
  // With `keep`, keeps so many recent snapshots whatever their age; without it, by the settings.
  Result<std::vector<Version>> ApplyRetention(std::optional<uint64_t> keep = std::nullopt)
      RAWKV_REQUIRES(mu_);
  // What a prune may remove.
  struct PruneOrder {
    std::optional<uint64_t> keep;       // as in ApplyRetention
    std::vector<Version> give_up;       // RetentionInput::give_up
    std::optional<GivenUpCause> cause;  // what the settings would keep is reported as given up for this cause
    Openers openers = Openers::kSpare;
  };
  Result<std::vector<Version>> PruneOnce(const PruneOrder& order) RAWKV_REQUIRES(mu_);
  // The snapshots to give up so that history fits history_bytes_max.
  Result<std::vector<Version>> FindOverBudget() RAWKV_REQUIRES(mu_);
  // Makes what the tiers hold from now on durable in PINS.
  Status SaveTierPins(const StoreSurvey& survey, const RetentionPlan& plan) RAWKV_REQUIRES(mu_);
  // Logs a warning of versions that the settings would keep and that `plan` gives up, and notes them in
  // STORE.
  void ReportGivenUp(const StoreSurvey& survey, const RetentionPlan& plan, GivenUpCause cause)
      RAWKV_REQUIRES(mu_);
  RetentionInput RetentionInputOf(const StoreSurvey& survey, std::optional<uint64_t> keep) const;
  // The leases whose log must stay; absent: a reader is about to open the store, and nothing may go.
  Result<bool> AddLeases(Openers openers, RetentionInput* input);
  Status DropLogBefore(Version version) RAWKV_REQUIRES(mu_);
  // Frees every deferred slot that nothing needs any more.
  Status Reclaim() RAWKV_REQUIRES(mu_);
  // One batch of that walk, from `*position` on. Sets `*done` at the end of the walk.
  Status ReclaimSome(const Reachability& reach, std::optional<DeferredFree>* position, bool* done)
      RAWKV_REQUIRES(mu_);

  StoreContext& context_;
  Core& core_;
  Poison& poison_;
  ReaderEpochs& epochs_;
  ViewRegistry& views_;
  EngineCounters& counters_;
  const uint64_t log_bytes_at_open_;                // after the newest snapshot
  std::atomic<uint64_t> log_bytes_at_snapshot_{0};  // EngineCounters::log_bytes_written when it was frozen
  mutable Mutex settings_mu_;                       // a leaf of the lock order
  RuntimeSettings settings_ RAWKV_GUARDED_BY(settings_mu_) = context_.runtime;

  Mutex publish_mu_;  // one snapshot is built at a time
  Mutex mu_;
};

}  // namespace rawkv
