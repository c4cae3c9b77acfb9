#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/support/sim/crash_states.h"

namespace rawkv {

// Which unsynced changes of one kind reach the disk.
enum class Fate : uint8_t {
  kLost,        // none
  kKept,        // all
  kRandom,      // each block, size and entry independently
  kInOrder,     // those before a random place, as on a disk that keeps order
  kNewestOnly,  // the newest only
  kOldestLost,  // all but the oldest
  kLastTorn,    // all, but only some blocks of the newest
};
const char* FateName(Fate fate);

// One power cut.
struct CrashPlan {
  Fate files = Fate::kLost;    // content and sizes
  Fate devices = Fate::kLost;  // blocks
  Fate entries = Fate::kLost;
  uint64_t block_bytes = 512;
  uint64_t seed = 0;
};
std::string Describe(const CrashPlan& plan);

// The power cuts for each place: first the extremes, then `random` random ones from `seed`.
std::vector<CrashPlan> CrashPlans(uint64_t seed, size_t random);

DiskImage Crash(const CrashStates& states, const CrashPlan& plan);

}  // namespace rawkv
