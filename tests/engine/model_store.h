#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/admin/repair.h"
#include "engine/engine.h"
#include "tests/engine/model_reads.h"
#include "tests/support/model.h"
#include "tests/support/recording_logger.h"

namespace rawkv {

struct ModelConfig {
  std::string name;
  FormatOptions format;
  OpenOptions open;
  std::vector<uint64_t> value_bytes;  // value sizes at edges of the layout
  uint64_t value_bytes_max = 0;       // upper bound of random value sizes
  uint64_t steps = 0;
  bool fills_up = false;  // the device is so small that a commit may return kNoSpace
};

inline void PrintTo(const ModelConfig& config, std::ostream* out) {
  *out << config.name;
}

// Runs each operation on a store and on a model of its expected content, and compares the two afterwards.
// Differences fail the GoogleTest test.
class ModelStore {
 public:
  ModelStore(const ModelConfig& config, std::string dir);

  void Format();
  void Open();
  // Releases the views, closes the store, checks it and opens it again.
  void Reopen(bool deep_check);
  // Opens a copy of the store's files, taken without closing the engine. The copy replaces the store.
  void ReopenCopy();
  void OfflineRollback(Version target, bool drop_pins);
  void Close();

  Engine& engine() { return *engine_; }
  const Model& model() const { return model_; }
  const std::string& dir() const { return dir_; }
  // Ranges of versions that must be readable.
  const std::vector<std::pair<Version, Version>>& reachable() const { return reachable_; }
  Version PickReachable(Rng& rng) const;
  const std::map<std::string, Version>& pins() const { return pins_; }
  const std::vector<SnapshotRow>& snapshots() const { return snapshots_; }

  void Commit(const ModelBatch& batch, const CommitOptions& options = {});
  void CreateSnapshot();
  void DeleteSnapshot(Version version);
  void Prune(std::optional<uint64_t> keep);
  void Pin(const std::string& name, std::optional<Version> version);
  void Unpin(const std::string& name);
  void SetKeepRecent(uint64_t keep);
  void Rollback(Version target, bool drop_pins);
  // Makes the device file larger by 16 slots, up to twice its size at first, and discards the free slots.
  void GrowAndTrim();

  // Opens a view with an iterator, or an iterator alone, and keeps it during later operations.
  void HoldView(Version version);
  void HoldTip();
  void ReadHeld(Rng& rng);
  void DropHeld(Rng& rng);
  size_t held() const { return held_.size(); }

  // Compares Info() with the model. Every function above calls it at its end.
  void CheckInfo();
  // Reads every reachable version.
  void CheckEveryVersion();
  void CheckVersion(Version version);
  // `version` may be retained, pruned or above the tip.
  void CheckCommitRecord(Version version);
  // Exports a version, imports it into a new store, compares the two stores and their exports.
  void ExportAndImport(Version version);
  void Fsck(bool deep);

 private:
  struct Held {
    std::shared_ptr<const ReadView> view;
    Version version;
    bool of_tip;  // reads the working index
    std::unique_ptr<Iterator> walk;
    ModelState state;
  };
  // Events since the last CheckInfo that may have removed snapshots.
  struct Removal {
    std::optional<uint64_t> keep;      // retention ran with this keep_recent
    std::optional<Version> deleted;    // DeleteSnapshot removed this one
    std::optional<Version> rolled_to;  // a rollback removed all snapshots above this
    std::optional<Version> pinned;     // a pin took this one out of the count of retention
  };

  // Whether the version is reachable. Versions that only a view holds do not count: a view serves nobody
  // else.
  bool MayUse(Version version) const;
  // As above, after a call answered with this status. Background snapshots may have removed the version since
  // the last CheckInfo, so this asks Info() again.
  bool MayUse(Version version, const Status& answer);
  bool Automatic() const { return config_.format.runtime.snapshot_interval != 0; }
  void CheckSlots(const EngineInfo& info);
  void CheckHolders(const EngineInfo& info);
  void CheckReachable(const EngineInfo& info);
  void CheckSnapshots(const EngineInfo& info);
  void CheckFullDevice(const ModelBatch& batch);
  std::vector<std::string> RollbackBlockers(Version target, bool drop_pins) const;
  void CheckPlan(const RollbackPlan& plan, Version target, bool drop_pins);
  void ForgetAbove(Version target);
  uint64_t SlotsOf(const ValueRecipe& value) const;

  const ModelConfig& config_;
  std::string dir_;
  RecordingLogger logger_;
  OpenOptions open_;
  Model model_;
  std::unique_ptr<Engine> engine_;
  std::vector<Held> held_;
  std::map<std::string, Version> pins_;
  uint64_t keep_recent_ = 0;

  // As of the last CheckInfo.
  std::vector<SnapshotRow> snapshots_;
  Version floor_;  // every version from here to the tip is reachable
  std::vector<std::pair<Version, Version>> reachable_;

  std::vector<Version> once_pinned_;  // the log after these snapshots may have been dropped
  Removal removal_;
};

}  // namespace rawkv
