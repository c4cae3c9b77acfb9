#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"

namespace rawkv {

// What the sessions of a store did between two quiet moments, and whether an execution exists that explains
// it: one in which each operation takes effect at one instant between its submission and its completion, and
// in which the operations of a session on one key take effect in the order of their ids.
//
// The versions of applied commits give the order of all commits, and every value names the write that made
// it. So the check is exact without a search. It is done for each key by itself, as linearizability allows.
struct SessionOpRecord {
  struct Change {
    enum class Kind : uint8_t { kPut, kPutIfAbsent, kDelete, kDeleteRange };
    Kind kind = Kind::kPut;
    uint32_t key = 0;
    uint32_t end_key = 0;  // kDeleteRange: [key, end_key)
    uint64_t value = 0;
  };

  uint32_t session = 0;
  uint64_t id = 0;
  SessionOp op = SessionOp::kGet;
  uint64_t submitted = 0;                      // moments of one clock for all sessions
  uint64_t completed = 0;                      // 0: never
  std::vector<uint32_t> keys;                  // of reads
  std::vector<std::optional<uint64_t>> found;  // of reads, by key: the value, 0: absent; nothing: an error
  std::vector<Change> changes;                 // of commits
  CommitOutcome outcome = CommitOutcome::kNotApplied;
  uint64_t version = 0;  // of commits that are in the store
  std::vector<uint32_t> existed;
};

class SessionHistory {
 public:
  using State = std::map<uint32_t, uint64_t>;  // key → value; an absent key is not in it

  // The state and the version at the quiet moment before the history.
  SessionHistory(State base, uint64_t version) : base_(std::move(base)), version_(version) {}

  // A rollback to `target` that began at `moment`: reads that complete later may find the state of the
  // target.
  void SetRollback(uint64_t moment, uint64_t target) { rollback_ = {moment, target}; }

  // Checks the records, and returns the first contradiction, or "". Versions above the tip, if a rollback
  // removed them, still explain what the sessions saw.
  std::string Check(std::vector<SessionOpRecord> records);
  // The state at a version between the base and the newest commit of the history. After Check.
  State StateAt(uint64_t version) const;

 private:
  struct Step {
    uint64_t version = 0;
    uint64_t value = 0;
    const SessionOpRecord* commit = nullptr;
  };
  std::string ApplyCommits();
  std::string CheckCommitOrder() const;
  std::string CheckReads(uint32_t key) const;
  uint64_t ValueAt(uint32_t key, uint64_t version) const;

  const State base_;
  const uint64_t version_;
  std::optional<std::pair<uint64_t, uint64_t>> rollback_;
  std::vector<SessionOpRecord> records_;
  std::vector<const SessionOpRecord*> commits_;  // applied, by version
  std::map<uint32_t, std::vector<Step>> steps_;  // of each key, by version
};

}  // namespace rawkv
