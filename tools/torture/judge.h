#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "tools/torture/history.h"

namespace rawkv::torture {

struct JudgePlan {
  std::string store;
  std::string device;  // where it is now; empty: as the store remembers
  IoEngine engine = IoEngine::kAuto;
  uint64_t seed = 0;     // of what is sampled
  bool deep = false;     // fsck reads every payload
  uint64_t samples = 2;  // versions compared besides the tip; UINT64_MAX: all that are reachable
};

// What was looked at, summed up over judgements.
struct Judged {
  uint64_t versions = 0;  // compared key by key
  uint64_t keys = 0;
  uint64_t value_bytes = 0;
  uint64_t deep_checks = 0;
  uint64_t torn_tails = 0;  // opens that cut an unfinished end of the log
  uint64_t notes = 0;       // what fsck found that an open puts right
};

// Judges a store whose workers are dead by what they had told (`history`): fsck clean before it is opened;
// it opens; nothing promised is lost, nothing half done; the tip and some older versions, a different choice
// each time, are exact; digests that readers told are right; pins are there. kCorruption is a violation,
// other errors come from the machine. Closes the store again and adds to `judged`.
Status Judge(const JudgePlan& plan, History* history, Judged* judged);

}  // namespace rawkv::torture
