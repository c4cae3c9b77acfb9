#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "engine/api/options.h"

namespace rawkv::torture {

struct Options {
  std::optional<uint64_t> minutes;  // the run ends at the earlier of `minutes` and `kills`
  std::optional<uint64_t> kills;
  std::optional<uint64_t> seed;
  uint64_t first_round = 0;
  std::string dir;                         // absent or empty directory; "": a new one below $TMPDIR or /tmp
  std::string device;                      // "": a sparse file in the store
  uint64_t capacity_bytes = 256ull << 20;  // size of a new device file
  std::optional<Durability> durability;    // absent: both, chosen for each kill
  std::optional<IoEngine> engine;          // absent: posix or auto, chosen for each kill
  bool yes = false;
  bool json = false;
  bool keep = false;
  bool help = false;
};

// kInvalidArgument names the problem.
Result<Options> ParseOptions(int argc, char** argv);
std::string Usage();

struct ReplayPoint {
  uint64_t seed = 0;
  uint64_t first_round = 0;
  uint64_t kills = 0;
};
// The command that repeats the choices from `point` on, with the test settings of `options`.
std::string ReplayCommand(const Options& options, const ReplayPoint& point);

}  // namespace rawkv::torture
