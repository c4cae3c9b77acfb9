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

// What must be there after a process was ended.
enum class Promise : uint8_t {
  kAcknowledged,  // every acknowledged commit
  kDurable,       // what was said to be durable; newer commits may be missing, from the newest down
};

// The model: from what workers told, what each version of the store must hold. Commits under way when a
// worker was killed are in doubt until the store shows which of them became which version.
//
//   1. Versions up to known() have a state; those told out of turn wait in `ahead_`.
//   2. A version becomes known by an acknowledgement, or by the store naming a commit that was under way;
//      any other commit in the store is a violation.
//   3. A rollback, or a tip below what was told (Promise::kDurable), forgets the versions above.
//
// A Status that is not ok is a violation by the store, in words. Not thread-safe.
class History {
 public:
  explicit History(Version initial, Promise promise = Promise::kAcknowledged);

  // One message of a worker, in the order they were told, or of the judge's own open (kOpened, kFound).
  Status Hear(const Message& message);
  // The worker is dead: what it had begun is in doubt from now on.
  void ProcessEnded();

  // Versions up to `tip` of which nobody has told yet what they are.
  std::vector<Version> Unknown(Version tip) const;
  // The store cannot name them any more (pruned since): some order of the commits in doubt must lead to
  // `seen`, the tip and every older version that can be read, and to what readers told of. The tip alone
  // would not do: what distinguishes two orders may be gone by then, and be read in an older version.
  Status Infer(const std::map<Version, State>& seen);

  Version known() const { return Version(rows_.rbegin()->first); }
  const State* StateAt(Version version) const;  // null: not known
  // Digests that workers told of versions known by now.
  Status CheckDigests();
  // What the store says of its pins: name to version.
  Status CheckPins(const std::map<std::string, Version>& found);
  struct Counts {
    uint64_t acknowledged = 0;     // commits
    uint64_t settled_doubts = 0;   // under way when their worker died, and there after all
    uint64_t digests_checked = 0;  // of states that readers told of
    uint64_t lost_undurable = 0;   // acknowledged commits that Promise::kDurable does not cover
  };
  const Counts& counts() const { return counts_; }

 private:
  struct Row {
    uint64_t nonce = 0;
    State state;
  };
  struct PinDoubt {
    bool may_be_any = false;  // was being set
    bool may_be_gone = false;
  };

  Status HearOpened(Version tip);
  Status HearFound(Version version, uint64_t nonce);
  Status HearEnd(const Message& message);  // of an act that the actor had begun
  Status TakeCommit(Version version, uint64_t nonce);
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
  std::map<uint32_t, Version> pins_;          // by actor, as last told
  std::map<uint32_t, PinDoubt> doubtful_pins_;
  std::vector<std::pair<Version, uint64_t>> digests_;  // to be checked
  Counts counts_;
};

}  // namespace rawkv::torture
