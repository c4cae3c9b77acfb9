#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/api/results.h"
#include "tests/stress/world.h"

namespace rawkv::stress {

// One worker thread: an endless series of operations of its role. The seed and the thread's number determine
// its choices; the scheduler determines how threads overlap.
class Worker {
 public:
  Worker(World& world, size_t number);
  void Run();     // until the world is done
  void Commit();  // one commit of any kind

 private:
  // worker_commits.cc
  std::shared_ptr<ModelBatch> NewBatch(CommitId id);
  void AddPut(ModelBatch& batch, uint64_t key);
  void AddTwice(ModelBatch& batch);
  void JudgeCommit(CommitId id, const CommitOptions& options, const CommitResult& result,
                   const History::Calm& calm);
  void Acknowledge(CommitId id, const CommitResult& result);

  // worker_reads.cc
  struct TipRead {
    std::string operation;
    std::string key;
    Version before, after;
    History::Calm calm;
    uint64_t ended = 0;               // tick after `after` was read
    std::optional<ModelEntry> entry;  // the result; without written_by if the call does not return it
    bool knows_writer = false;
    bool exists_only = false;
    uint64_t offset = 0;
    std::optional<std::string> part;  // GetRange
  };
  void ReadTip();
  TipRead ReadOnce();
  void ReadMany(std::vector<TipRead>* reads);
  void FillFrom(const Result<Value>& value, TipRead* read);
  void JudgeTip(const TipRead& read);
  static bool Matches(const TipRead& read, const std::optional<ModelEntry>& entry);
  void ReadView();
  void JudgeView(const HeldView& held, const char* kind);
  void ReadInView(const HeldView& held);
  void ReadOneInView(const HeldView& held, const std::string& key, const std::optional<ModelEntry>& wanted);
  void Iterate();

  // worker_upkeep.cc
  void Maintain();
  void GrowDevice();
  void SnapshotOrPin(uint64_t choice);
  void RollBack();
  void Watch();
  void CheckInfo();
  void ReadHistory();
  void ReadDifferences();
  void Scrub();
  void JudgeScrub(const char* operation, const ScrubReport& report, bool own, bool maybe_stopped);

  // worker_copies.cc
  void Copy();
  void JudgeCopy(const std::string& exported, Version version, const ModelState& content);

  void Pause(uint64_t max_ms);
  Version SomeVersion();  // probably reachable

  World& world_;
  const size_t number_;
  Rng rng_;
  uint64_t copies_ = 0;
};

}  // namespace rawkv::stress
