#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/support/sim/crash_states.h"

namespace rawkv {

// What becomes of the unsynced changes of one kind.
enum class Fate : uint8_t {
  kLost,        // none arrived
  kKept,        // all arrived
  kRandom,      // each block, size and entry by itself
  kInOrder,     // those before a random place arrived: a disk that keeps order
  kNewestOnly,  // only the newest
  kOldestLost,  // all but the oldest
  kLastTorn,    // all, but of the newest only a part of its blocks
};
const char* FateName(Fate fate);

// One way for the power to go.
struct CrashPlan {
  Fate files = Fate::kLost;    // content and sizes
  Fate devices = Fate::kLost;  // blocks
  Fate entries = Fate::kLost;
  uint64_t block_bytes = 512;
  uint64_t seed = 0;
};
std::string Describe(const CrashPlan& plan);

// The ways that are tried at every place: the extremes first, then `random` more, from `seed`.
std::vector<CrashPlan> CrashPlans(uint64_t seed, size_t random);

DiskImage Crash(const CrashStates& states, const CrashPlan& plan);

}  // namespace rawkv
