#pragma once

#include <cstdint>
#include <string>

#include "engine/engine.h"
#include "tools/torture/message.h"

namespace rawkv::torture {

struct WorkerPlan {
  std::string store;    // directory
  std::string scratch;  // existing directory; exports in it are made and removed
  std::string device;   // present place of the device; empty: as stored in STORE
  uint64_t seed = 0;
  Durability durability = Durability::kSynced;
  IoEngine engine = IoEngine::kAuto;
  uint32_t actors = 1;                   // number of threads
  uint64_t acts_per_actor = UINT64_MAX;  // after so many acts of each thread the store is closed
};

// Opens the store and runs random acts: commits of inline and payload values, snapshots, prunes, pins,
// rollbacks, exports, syncs, and reads of a whole version, whose digest it sends. Sends a message for every
// act whose outcome matters. Returns when the acts are done, or at the first error; kCorruption if the store
// broke a promise.
Status Work(const WorkerPlan& plan, MessageSink& sink);

// Sends for each of the newest `count` reachable versions which commit it is (Message::kFound).
Status ReportNewestCommits(Engine& engine, uint64_t count, MessageSink& sink);

}  // namespace rawkv::torture
