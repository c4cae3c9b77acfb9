#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "engine/engine.h"
#include "tools/torture/history.h"
#include "tools/torture/judge.h"
#include "tools/torture/process.h"

namespace rawkv::torture {

struct CampaignPlan {
  std::string program;  // acts as a worker when started with WorkerArguments
  std::string store;    // directory; formatted again and again
  std::string scratch;  // directory, there; keeps the log as it was before the last judgement
  std::string device;   // "": a file in `store`
  uint64_t capacity_bytes = 256ull << 20;
  uint64_t seed = 0;
  std::optional<Durability> durability;  // absent: changing from kill to kill
  std::optional<IoEngine> engine;
};

// What was done, for the report.
struct Tally {
  uint64_t kills = 0;
  uint64_t kills_unsynced = 0;  // of them in unsafe_unsynced
  uint64_t kills_in_open = 0;   // before the worker said that the store is open
  uint64_t kills_in_rollback = 0;
  uint64_t rounds = 0;
  uint64_t formats = 0;
  uint64_t commits = 0;         // acknowledged
  uint64_t settled_doubts = 0;  // commits under way when killed, and there afterwards
  uint64_t digests = 0;         // states that workers read and the judge found right
  Judged judged;
};

// Rounds: a worker, or two or three one after the other, is killed; then the store is judged. All choices
// come from the seed and the round's number, so a failed round can be come back to (at the last format before
// it); where exactly the kill falls is the machine's choice. Not thread-safe.
class Campaign {
 public:
  static constexpr uint64_t kRoundsAFormat = 40;  // bounds the model's memory and the store's age

  explicit Campaign(CampaignPlan plan) : plan_(std::move(plan)) {}

  // A new store, overwriting the old; `force`: and whatever is on the device.
  Status Format(bool force);
  // The two halves of a round. Between them the store is as the kill left it.
  Status KillWorkers(uint64_t round);
  Status JudgeRound(uint64_t round);

  Tally tally() const;

 private:
  Status KillOne(uint64_t seed);
  Status SaveLog();

  const CampaignPlan plan_;
  std::unique_ptr<History> history_;  // of the store that is there now
  Tally tally_;                       // without what history_ counts
};

}  // namespace rawkv::torture
