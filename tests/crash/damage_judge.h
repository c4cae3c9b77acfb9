#pragma once

#include <string>

#include "tests/crash/sim_store.h"

namespace rawkv {

// What is expected of a store some of whose bytes are not what was written.
struct DamageCase {
  DiskImage image;
  const Promise* truth = nullptr;  // what the store held
  // The tip may have been lost without a trace: the damage hit the last record, and nothing written later
  // shows that it had been durable (docs/fault_model.md, "Silent damage").
  bool last_record_may_go = false;
  // The damage is to neither payload, log nor index: nothing that is called reachable may be refused.
  bool content_whole = false;
};

struct DamageVerdict {
  std::string problem;  // "" = no byte was wrong, and what was lost was said
  // The gravest thing that was told: "nothing" (no read met it), "healed" (noted and put right),
  // "finding" (fsck only), "cut", "read refused", "open refused".
  std::string told = "nothing";
};

// fsck, open, every key of every version that is said to be reachable, a commit, an import of each export,
// fsck again: whatever is answered must be right; whatever is refused must say corruption and where.
DamageVerdict JudgeDamage(const DamageCase& damage, const SimConfig& config, uint64_t seed);

}  // namespace rawkv
