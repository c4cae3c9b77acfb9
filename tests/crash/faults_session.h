#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/admin/repair.h"
#include "engine/engine.h"
#include "tests/crash/sim_store.h"
#include "tests/support/faults/fault_world.h"
#include "tests/support/index_threads.h"

namespace rawkv {

// A machine and a store that is closed, and what the store has promised.
struct FaultStart {
  DiskImage image;
  Promise promise;
};

// A store driven through protocols while operations below it fail: keeps the model of what was
// acknowledged, and of the one thing that may have happened without; holds every answer against what
// engine.h says of it. Steps after a failure go on as a caller would. Not thread-safe.
class FaultSession {
 public:
  FaultSession(const FaultStart& start, const SimConfig& config, uint64_t seed,
               std::vector<PlannedFault> faults);
  ~FaultSession();

  // Each is a protocol step of that name; nothing without an open store.
  void Open();
  void Close();
  void CommitInline() { Commit("commit inline", {.ops = {Put("i-new", 100)}}); }
  void CommitPayload() { Commit("commit payload", {.ops = {Put("p-new", 9000)}}); }
  void CommitMulti();
  void CommitGroup();  // from three threads at once
  void CommitUnsynced();
  void CommitLarge();  // makes the index flush
  void Sync();
  void Snapshot();
  void Prune();
  void Pin(const std::string& name, std::optional<Version> version);
  void Unpin(const std::string& name);
  void DeleteSnapshot(Version version);
  void ReadOld(Version version);
  void ReadTip();
  void Rollback(Version target);
  void Export(Version version);
  // Of a store that is closed.
  void OfflineRollback(Version target);
  void Import();
  void Check();
  void Look();  // all that looks without opening
  void ReadOnly();
  void Format();

  FaultWorld& world() { return world_; }
  // "" or the first answer that broke a promise.
  const std::string& problem() const { return problem_; }
  const std::string& outcome() const { return outcome_; }
  // What the store said last; nothing if it could not say.
  std::optional<std::vector<std::pair<Version, Version>>> reachable() const {
    if (!reachable_known_) return std::nullopt;
    return now_.reachable;
  }
  // Closes; the faults are over. Then what the disks hold is judged, without and with a power cut that
  // came before the close, in `cuts` ways; without `thorough`, one of the two, and less of it each time. ""
  // or what is wrong.
  std::string Judge(uint64_t seed, bool thorough, uint64_t cuts);

 private:
  ModelOp Put(const std::string& key, uint64_t bytes);
  void Commit(const std::string& step, const ModelBatch& batch, std::optional<Durability> durability = {});
  void Begin(const std::string& step);
  // Takes an answer in; whether it is ok.
  bool Took(const Status& status);
  void Note(const char* outcome);
  void Fail(const std::string& what);
  void After();  // the store's own figures, and reads, after a step
  // Flushes and compactions do what there is to do. Only here do compactions run, not beside a step: one that
  // fails is tried again without end, and would decide by chance what the next step meets.
  void Settle();
  void CheckReads();
  std::map<std::string, DiskImage> PowerCuts(uint64_t seed, uint64_t cuts);
  std::string JudgeImage(const DiskImage& image, bool power_cut, uint64_t seed, bool thorough);
  std::string JudgeUnformatted(const DiskImage& image, uint64_t seed);
  void SettleGroup(const DiskImage& image);

  const FaultStart start_;
  const SimConfig config_;
  FaultWorld world_;
  std::optional<HeldIndexPool> no_compaction_;
  std::unique_ptr<Engine> engine_;
  Promise now_;
  std::optional<Promise> doubt_;                 // what would hold if the thing in doubt had happened
  std::vector<ModelBatch> group_doubt_;          // commits of one group whose outcome is unknown
  std::map<std::string, Promise::Copy> copies_;  // exports and imports that may be unfinished
  bool shrunk_ = false;                          // versions may be gone that the store last said it had
  std::optional<Promise> before_unpin_;          // that failed: the disk may have the pins of then
  bool reachable_known_ = true;                  // now_.reachable is what the store said last
  bool poisoned_ = false;
  bool unformatted_ = false;
  std::string step_;
  uint64_t failures_before_ = 0;
  uint64_t next_value_ = 0;
  std::string problem_;
  std::string outcome_ = "absorbed";
};

}  // namespace rawkv
