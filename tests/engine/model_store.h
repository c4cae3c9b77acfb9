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
#include "tests/engine/recording_logger.h"
#include "tests/support/model.h"

namespace rawkv {

struct ModelConfig {
  std::string name;
  FormatOptions format;
  OpenOptions open;
  std::vector<uint64_t> value_bytes;  // sizes of values worth trying
  uint64_t value_bytes_max = 0;       // and random ones up to this
  uint64_t steps = 0;
  bool fills_up = false;  // the device is so small that kNoSpace is an answer
};

inline void PrintTo(const ModelConfig& config, std::ostream* out) {
  *out << config.name;
}

// A store and the model of what it must hold, driven together: each call does one thing to both, and
// compares what the store says of itself with what the model makes of it. Failures are GoogleTest's.
class ModelStore {
 public:
  ModelStore(const ModelConfig& config, std::string dir);

  void Format();
  void Open();
  // Lets go of views, closes, checks the store, opens again.
  void Reopen(bool deep_check);
  // The same without a close: goes on with a copy of the store as it lies on disk at this instant.
  void ReopenCopy();
  void OfflineRollback(Version target, bool drop_pins);
  void Close();

  Engine& engine() { return *engine_; }
  const Model& model() const { return model_; }
  const std::string& dir() const { return dir_; }
  // Versions that must be readable, in ranges; and one of them.
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

  // A view (and sometimes an iterator) that is held while the store goes on.
  void HoldView(Version version);
  void HoldTip();
  void ReadHeld(Rng& rng);
  void DropHeld(Rng& rng);
  size_t held() const { return held_.size(); }

  // Info against the model: after every call above.
  void CheckInfo();
  // Everything that can be read, read.
  void CheckEveryVersion();
  void CheckVersion(Version version);
  // Of a version that may be anything: retained, pruned, above the tip.
  void CheckCommitRecord(Version version);
  // Exports a version, imports it as a new store, compares the two and their exports.
  void ExportAndImport(Version version);
  void Fsck(bool deep);

 private:
  struct Held {
    std::shared_ptr<const ReadView> view;
    Version version;
    bool of_tip;  // reads the live index
    std::unique_ptr<Iterator> walk;
    ModelState state;
  };
  // What may have happened to snapshots since the last CheckInfo.
  struct Removal {
    std::optional<uint64_t> keep;      // retention ran with this
    std::optional<Version> deleted;    // this one was deleted
    std::optional<Version> rolled_to;  // all above went
    std::optional<Version> pinned;     // no longer among those that retention counts
  };

  // Reachable by more than a view, which keeps its version for itself.
  bool MayUse(Version version) const;
  // The same, now that a call has been refused for this reason: where snapshots are made and pruned in
  // the background, a version may have gone since the last look.
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
  Version floor_;  // all from here to the tip is reachable
  std::vector<std::pair<Version, Version>> reachable_;

  std::vector<Version> once_pinned_;  // snapshots whose log may be gone
  Removal removal_;
};

}  // namespace rawkv
