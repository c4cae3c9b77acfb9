#pragma once

#include <cstdint>
#include <string>

#include "engine/engine.h"
#include "tools/torture/message.h"

namespace rawkv::torture {

struct WorkerPlan {
  std::string store;    // directory
  std::string scratch;  // directory for exports; made and removed
  std::string device;   // where it is now; empty: as the store remembers
  uint64_t seed = 0;
  Durability durability = Durability::kSynced;
  IoEngine engine = IoEngine::kAuto;
  uint32_t actors = 1;                  // threads that act at the same time
  uint64_t acts_an_actor = UINT64_MAX;  // then the store is closed
};

// Opens the store and acts on it at random: commits of inline and payload values, snapshots, prunes, pins,
// rollbacks, exports, syncs, whole reads of some version of which it tells the digest. Tells everything.
// Returns when the acts are done, or with the first error: of the store, or of a promise that it did not
// keep (kCorruption).
Status Work(const WorkerPlan& plan, Teller& teller);

// Says which commits the newest `count` reachable versions up to the tip are (Message::kFound).
Status TellNewest(Engine& engine, uint64_t count, Teller& teller);

}  // namespace rawkv::torture
