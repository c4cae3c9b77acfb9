#pragma once

#include <span>
#include <string>
#include <vector>

#include "tests/crash/sim_store.h"

namespace rawkv {

// What a crash may have come back as: the last promise that was kept before it, and, if an operation was
// under way, the one that it would have kept.
struct Allowed {
  const Promise* before = nullptr;
  const Promise* after = nullptr;  // null: nothing was under way
};

// How closely a state is looked at; opening it, reading its tip and checking its structure always.
struct Scrutiny {
  bool check_before = true;   // fsck of what the crash left, before anything puts it right
  bool every_version = true;  // else the tip and one older version of four
  bool every_copy = true;     // else exports and imports that were under way
  bool go_on = true;          // further commits, a snapshot, a reopen, fsck
  bool record = false;        // leave a trace of it all
};

struct Verdict {
  std::string problem;  // "" = as promised
  // With `record`: what happened, and the promises that its marks name. The first mark is that of the
  // recovered store.
  Trace trace;
  std::vector<Promise> promises;
  std::string said;  // by the engine
};

// Which of the allowed states an engine that has just come up is in: "" and *found (durable through its tip),
// or what is wrong. *after: it is that of the operation that was under way.
std::string Recognise(Engine& engine, const Allowed& allowed, Promise* found, bool* after);

// Brings up the machine that a crash left and holds the store against what was promised.
Verdict Judge(const DiskImage& image, const Allowed& allowed, const SimConfig& config,
              const Scrutiny& scrutiny, uint64_t seed);

}  // namespace rawkv
