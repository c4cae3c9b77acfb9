#pragma once

#include <string>

#include "tests/crash/sim_store.h"

namespace rawkv {

// A damaged store and the expectations for it.
struct DamageCase {
  DiskImage image;
  const Promise* truth = nullptr;  // the content of the store before the damage
  // Whether the tip may be lost without a report: the damage hit the last record, and nothing written later
  // shows that it had been durable (docs/fault_model.md, "Silent damage").
  bool may_lose_last_record = false;
  // Whether payload, log and index are undamaged, so that every reachable version must be readable.
  bool content_whole = false;
};

struct DamageVerdict {
  std::string problem;  // "" = no wrong byte was returned, and every loss was reported
  // The gravest report: "nothing" (no read met the damage), "healed" (reported and repaired), "finding" (by
  // fsck only), "cut", "read refused", "open refused".
  std::string outcome = "nothing";
};

// Runs fsck, opens the store, reads every key of every reachable version, commits, imports each export and
// runs fsck again. Every value that is returned must be right. Every refusal must report corruption and name
// the place.
DamageVerdict JudgeDamage(const DamageCase& damage, const SimConfig& config, uint64_t seed);

}  // namespace rawkv
