#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "tools/torture/history.h"

namespace rawkv::torture {

struct JudgePlan {
  std::string store;
  std::string device;  // present place of the device; empty: as stored in STORE
  IoEngine engine = IoEngine::kAuto;
  uint64_t seed = 0;     // selects the sampled versions
  bool deep = false;     // fsck reads every payload
  uint64_t samples = 2;  // versions to compare in addition to the tip; UINT64_MAX: all reachable versions
};

// Counts of all judgements.
struct Judged {
  uint64_t versions = 0;  // compared key by key
  uint64_t keys = 0;
  uint64_t value_bytes = 0;
  uint64_t deep_checks = 0;
  uint64_t notes = 0;  // notes of fsck: states that an open repairs
};

// Judges a store whose workers are dead, by their messages (`history`). The store must pass fsck before it is
// opened, and must open. Nothing promised may be lost, and nothing may be partly done. The tip and some older
// versions, a different choice each time, must have exactly the expected content. The digests that readers
// reported must be right, and the pins must be present. kCorruption is a violation; other errors come from
// the machine. Closes the store, and adds to `judged`.
Status Judge(const JudgePlan& plan, History* history, Judged* judged);

}  // namespace rawkv::torture
