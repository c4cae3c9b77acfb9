#pragma once

#include <span>
#include <string>
#include <vector>

#include "tests/crash/sim_store.h"

namespace rawkv {

// The states that are allowed after a crash: that of the last promise, or that of the operation under way.
struct Allowed {
  const Promise* before = nullptr;
  const Promise* after = nullptr;  // null: no operation was under way
};

// How thoroughly a state is judged. Every judgement opens the store, reads the tip and runs fsck unless a
// field below excludes it.
struct Scrutiny {
  bool check_before = true;      // fsck of the crash state before the recovery
  bool every_version = true;     // otherwise the tip and one older version in four
  bool every_copy = true;        // otherwise only exports and imports that were under way
  bool continue_working = true;  // further commits, a snapshot, a reopen, fsck
  bool record = false;           // records a trace of the judgement
};

struct Verdict {
  std::string problem;  // "" = as promised
  // With `record`: the trace, and the promises that its marks name. The first mark is that of the recovered
  // store.
  Trace trace;
  std::vector<Promise> promises;
  std::string log;  // of the engine
};

// Identifies the allowed state that a newly opened engine is in. Returns "" and sets *found, which is durable
// through its tip, or returns the problem. *after is true if the operation under way took effect.
std::string IdentifyState(Engine& engine, const Allowed& allowed, Promise* found, bool* after);

// Opens the store on the disks after a crash and compares it with the promises.
Verdict Judge(const DiskImage& image, const Allowed& allowed, const SimConfig& config,
              const Scrutiny& scrutiny, uint64_t seed);

}  // namespace rawkv
