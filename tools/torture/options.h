#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "engine/api/options.h"

namespace rawkv::torture {

struct Options {
  std::optional<uint64_t> minutes;  // the earlier of the two ends the run
  std::optional<uint64_t> kills;
  std::optional<uint64_t> seed;
  uint64_t first_round = 0;
  std::string dir;                         // absent or empty directory; "": a new one below $TMPDIR or /tmp
  std::string device;                      // "": a sparse file beside the store
  uint64_t capacity_bytes = 256ull << 20;  // of a device file that is made
  std::optional<Durability> durability;    // absent: both, changing from kill to kill
  std::optional<IoEngine> engine;          // absent: posix and auto, changing from kill to kill
  bool yes = false;
  bool json = false;
  bool keep = false;
  bool help = false;
};

// kInvalidArgument says what is wrong.
Result<Options> ParseOptions(int argc, char** argv);
std::string Usage();

struct ReplayPoint {
  uint64_t seed = 0;
  uint64_t first_round = 0;
  uint64_t kills = 0;
};
// The command that makes the same choices again from there, with all that `options` says of what is tried.
std::string ReplayCommand(const Options& options, const ReplayPoint& point);

}  // namespace rawkv::torture
