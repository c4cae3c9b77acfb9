#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "base/types.h"
#include "tools/torture/message.h"
#include "tools/torture/state.h"

namespace rawkv::torture {

// The versions that must be present after a process has ended.
enum class Promise : uint8_t {
  kAcknowledged,  // every acknowledged commit
  kDurable,       // every version reported as durable; newer commits may be missing, from the newest down
};

// The model: computes the expected content of each version from the messages of workers. A commit that was in
// progress when its worker was killed is in doubt until the store shows whether it became a version, and
// which one.
//
//   1. Versions up to known() have a state. Versions reported out of order wait in `ahead_`.
//   2. A version becomes known by an acknowledgement, or when the store names a commit that was in progress;
//      any other commit in the store is a violation.
//   3. A rollback, or a tip below the reported versions (Promise::kDurable), removes the versions above.
//
// A Status that is not ok describes a violation by the store. Not thread-safe.
class History {
 public:
  explicit History(Version initial, Promise promise = Promise::kAcknowledged);

  // Adds one message of a worker, in the order in which they were sent, or of the judge's own open (kOpened,
  // kFound).
  Status Record(const Message& message);
  // The worker is dead: its unfinished acts are in doubt from now on.
  void ProcessEnded();

  // The versions up to `tip` whose commit is not known yet.
  std::vector<Version> Unknown(Version tip) const;
  // For unknown versions whose commits the store cannot name any more, because the log was pruned. Some order
  // of the commits in doubt must lead to `seen` (the tip and every older readable version) and to the digests
  // of readers. The tip alone is not enough: a later commit may have overwritten the difference between two
  // orders.
  Status Infer(const std::map<Version, State>& seen);

  Version known() const { return Version(rows_.rbegin()->first); }
  const State* StateAt(Version version) const;  // null: not known
  // Checks the digests that workers reported for known versions.
  Status CheckDigests();
  // Checks the pins of the store: name to version.
  Status CheckPins(const std::map<std::string, Version>& found);
  struct Counts {
    uint64_t acknowledged = 0;     // commits
    uint64_t settled_doubts = 0;   // commits in progress when their worker died, and present afterwards
    uint64_t digests_checked = 0;  // digests that readers reported
    uint64_t lost_undurable = 0;   // acknowledged commits that Promise::kDurable does not cover
  };
  const Counts& counts() const { return counts_; }

 private:
  struct Row {
    uint64_t nonce = 0;
    State state;
  };
  struct PinDoubt {
    bool may_be_any = false;  // a Pin was in progress
    bool may_be_gone = false;
  };

  Status RecordOpened(Version tip);
  Status RecordFound(Version version, uint64_t nonce);
  Status RecordEnd(const Message& message);  // the end of an act that the actor began
  Status AddCommit(Version version, uint64_t nonce);
  void Extend();
  Status ForgetAbove(Version version);
  bool InferFrom(std::vector<Version> open, const std::map<Version, State>& seen);
  bool LeadsTo(const std::map<Version, State>& seen) const;

  Promise promise_;
  std::map<uint64_t, Row> rows_;        // by version, without gaps
  std::map<uint64_t, uint64_t> ahead_;  // version to nonce
  Version durable_;
  std::map<uint32_t, Message> under_way_;     // by actor
  std::set<uint64_t> doubtful_;               // nonces
  std::optional<Version> doubtful_rollback_;  // its target
  std::map<uint32_t, Version> pins_;          // by actor, as last acknowledged
  std::map<uint32_t, PinDoubt> doubtful_pins_;
  std::vector<std::pair<Version, uint64_t>> digests_;  // not checked yet
  Counts counts_;
};

}  // namespace rawkv::torture
