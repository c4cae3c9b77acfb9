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
  std::string program;  // becomes a worker when started with WorkerArguments
  std::string store;    // directory; formatted repeatedly
  std::string scratch;  // existing directory; receives a copy of the log before each judgement
  std::string device;   // "": a file in `store`
  uint64_t capacity_bytes = 256ull << 20;
  uint64_t seed = 0;
  std::optional<Durability> durability;  // absent: chosen for each kill
  std::optional<IoEngine> engine;
};

// Counts for the report.
struct Tally {
  uint64_t kills = 0;
  uint64_t kills_unsynced = 0;  // kills in the mode unsafe_unsynced
  uint64_t kills_in_open = 0;   // kills before the worker reported that the store is open
  uint64_t kills_in_rollback = 0;
  uint64_t rounds = 0;
  uint64_t formats = 0;
  uint64_t commits = 0;         // acknowledged
  uint64_t settled_doubts = 0;  // commits in progress at a kill and present afterwards
  uint64_t digests = 0;         // states that workers read and the judge confirmed
  Judged judged;
};

// Runs rounds. Each round kills one to three workers, one after the other, and then judges the store. All
// choices come from the seed and the round's number, so a failed round can be repeated from the last format
// before it. Only the exact moment of a kill depends on the machine. Not thread-safe.
class Campaign {
 public:
  static constexpr uint64_t kRoundsPerFormat = 40;  // bounds the model's memory and the store's age

  explicit Campaign(CampaignPlan plan) : plan_(std::move(plan)) {}

  // Replaces the store by a new one. `force` also overwrites other data on the device.
  Status Format(bool force);
  // The two halves of a round. Between them the store is in the state that the kill left.
  Status KillWorkers(uint64_t round);
  Status JudgeRound(uint64_t round);

  Tally tally() const;

 private:
  Status KillOneWorker(uint64_t seed);
  Status SaveLog();

  const CampaignPlan plan_;
  std::unique_ptr<History> history_;  // history of the present store
  Tally tally_;                       // without the counts of history_
};

}  // namespace rawkv::torture
