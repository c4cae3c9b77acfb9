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

// The disks with a closed store, and the promise of that store.
struct FaultStart {
  DiskImage image;
  Promise promise;
  bool damaged = false;  // a check before the first open has findings
};

// Drives a store through protocols while operations below it fail. Keeps a model of the acknowledged state,
// and of the one change whose outcome is unknown. Checks every answer against engine.h. After a failure it
// continues as a caller would. Not thread-safe.
class FaultSession {
 public:
  FaultSession(const FaultStart& start, const SimConfig& config, uint64_t seed,
               std::vector<PlannedFault> faults);
  ~FaultSession();

  // Each runs the protocol step of its name. Does nothing if no store is open.
  void Open();
  void Close();
  void CommitInline() { Commit("commit inline", {.ops = {Put("i-new", 100)}}); }
  void CommitPayload() { Commit("commit payload", {.ops = {Put("p-new", 9000)}}); }
  void CommitMulti();
  void CommitGroup();  // from three threads at once
  void CommitUnsynced();
  void CommitLarge();  // makes the index flush
  // Commits, reads and syncs through an asynchronous session (engine/api/session.h).
  void CommitInSession();
  void Sync();
  void Snapshot();
  void Prune();
  void Pin(const std::string& name, std::optional<Version> version);
  void PinBeforeTip(const std::string& name);
  void Unpin(const std::string& name);
  void DeleteSnapshot(Version version);
  void ReadOld(Version version);
  void ReadTip();
  void ReadHistory();
  void ReadDifferences(Version from);
  void ChangeSettings();
  void GiveUpHistory();  // by a budget that is too small for it
  void AcknowledgeGivenUp();
  void Trim();
  void Grow();
  void Checkpoint();
  void Rollback(Version target);
  void Export(Version version);
  // Steps on a closed store.
  void OfflineRollback(Version target);
  void Restore();  // STORE or the superblocks, which are lost
  void Import();
  void Check();
  void InspectClosedStore();  // the calls of inspect.h
  void OpenReadOnly();
  void Format();

  FaultWorld& world() { return world_; }
  // "" or the first answer that broke a promise.
  const std::string& problem() const { return problem_; }
  const std::string& outcome() const { return outcome_; }
  // The reachable versions that Info() last returned; nothing if the last Info() failed.
  std::optional<std::vector<std::pair<Version, Version>>> reachable() const {
    if (!reachable_known_) return std::nullopt;
    return now_.reachable;
  }
  // Closes the store, ends the faults and judges the disks twice: after the close, and as up to `cuts`
  // different power cuts just before the close would have left them. Without `thorough`, judges one of the
  // two, with fewer checks. Returns "" or the problem.
  std::string Judge(uint64_t seed, bool thorough, uint64_t cuts);

 private:
  ModelOp Put(const std::string& key, uint64_t bytes);
  void Commit(const std::string& step, const ModelBatch& batch, std::optional<Durability> durability = {});
  void RecordCommit(const ModelBatch& batch, const CommitResult& result,
                    std::optional<Durability> durability);
  void BeginStep(const std::string& step);
  // Checks that an answer is allowed and records it. Returns whether it is ok.
  bool AcceptAnswer(const Status& status);
  void RecordOutcome(const char* outcome);
  void Fail(const std::string& what);
  void CheckAfterStep();  // checks Info() and reads after a step
  // Waits until flushes and compactions are finished. Compactions run only here and not during a step: a
  // compaction that fails is retried without end, and chance would decide which operation of the step fails.
  void AwaitBackgroundWork();
  void CheckReads();
  std::map<std::string, DiskImage> PowerCuts(uint64_t seed, uint64_t cuts);
  std::string JudgeImage(const DiskImage& image, bool power_cut, uint64_t seed, bool thorough);
  std::string JudgeUnformatted(const DiskImage& image, uint64_t seed);
  std::string JudgeUnrestored(const DiskImage& image, bool power_cut, uint64_t seed, bool thorough);
  void ResolveGroupInDoubt(const DiskImage& image);

  const FaultStart start_;
  const SimConfig config_;
  FaultWorld world_;
  std::optional<HeldIndexPool> no_compaction_;
  std::unique_ptr<Engine> engine_;
  Promise now_;
  std::optional<Promise> doubt_;                 // the promise if the change of unknown outcome happened
  std::vector<ModelBatch> group_doubt_;          // commits of one group whose outcome is unknown
  std::map<std::string, Promise::Copy> copies_;  // exports and imports that may be unfinished
  bool shrunk_ = false;                          // versions that Info() last returned may be unreachable now
  std::optional<Promise> before_unpin_;  // before an unpin that failed: the disk may still have the pin
  bool reachable_known_ = true;          // now_.reachable is from the last Info()
  bool poisoned_ = false;
  bool unformatted_ = false;
  bool unrestored_ = false;  // a restoration failed, and STORE or the superblocks may still be lost
  std::string step_;
  uint64_t failures_before_ = 0;
  uint64_t next_value_ = 0;
  std::string problem_;
  std::string outcome_ = "absorbed";
};

}  // namespace rawkv
