#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"
#include "tools/torture/campaign.h"

namespace rawkv::torture {

// How a run ended.
struct Outcome {
  Status status;           // ok: every promise was kept
  bool violation = false;  // the store, and not the machine, is the cause of `status`
  bool interrupted = false;
  uint64_t failed_round = 0;
  uint64_t seed = 0;
  uint64_t wall_ns = 0;
  std::string store;
  std::string scratch;
  std::string device;  // "": a file in the store
  std::string replay;  // the command that repeats the failed round
  Tally tally;
};

std::string TextReport(const Outcome& outcome);  // several lines
std::string JsonReport(const Outcome& outcome);  // one line

}  // namespace rawkv::torture
