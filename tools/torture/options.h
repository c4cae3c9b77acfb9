#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "blockdev/open_block_device.h"
#include "engine/api/options.h"
#include "tools/cli/flag_set.h"

namespace rawkv::torture {

// Conversions of values that only this program has (tools/cli/flag_set.h).
Result<std::string> PathValue(const std::string& text);
Result<uint64_t> RoundValue(uint64_t number);
Result<std::optional<Durability>> DurabilityOrBoth(const std::string& text);  // absent: both
Result<std::optional<IoEngine>> EngineOrAny(const std::string& text);         // absent: any

// All flags; tools/cli/flag_set.h explains the columns.
// clang-format off
#define RAWKV_TORTURE_FLAGS(FLAG) \
  FLAG(uint64, ctl::NumberValue, minutes, 0, "M: end after M minutes (10 if --kills is not given either)") \
  FLAG(uint64, ctl::NumberValue, kills, 0, "N: end after N kills; with --minutes the earlier of the two counts") \
  FLAG(string, PathValue, dir, "", "DIR: for the store; absent or empty (default: a new one below $TMPDIR or /tmp)") \
  FLAG(string, PathValue, device, "", "PATH: for the values; ALL ITS CONTENT IS LOST (default: a sparse file in DIR)") \
  FLAG(bool, ctl::SwitchValue, yes, false, "overwrite the content of the device without asking") \
  FLAG(string, ctl::BytesValue, capacity, "", "BYTES: size of a new device file (256MiB)") \
  FLAG(string, DurabilityOrBoth, durability, "both", "MODE: synced, unsafe_unsynced or both; a kill loses nothing (both)") \
  FLAG(string, EngineOrAny, engine, "any", "NAME: auto, posix, io_uring, nvme; any chooses one for each kill (any)") \
  FLAG(uint64, ctl::NumberValue, seed, 0, "N: seed of all choices except the scheduler's; printed at the end") \
  FLAG(uint64, RoundValue, first_round, 0, "N: with --seed: begin at the last format before round N (0)") \
  FLAG(bool, ctl::SwitchValue, keep, false, "keep the store also after a good run") \
  FLAG(bool, ctl::SwitchValue, json, false, "print the report as one JSON document")
// clang-format on

inline constexpr uint64_t kUsualCapacityBytes = 256ull << 20;

struct Options {
  RAWKV_TORTURE_FLAGS(RAWKV_FLAG_FIELD)
  bool help = false;
};

// `args` does not include the program's name. kInvalidArgument names the problem.
Result<Options> ParseOptions(const std::vector<std::string>& args);
std::string Usage();

struct ReplayPoint {
  uint64_t seed = 0;
  uint64_t first_round = 0;
  uint64_t kills = 0;
};
// The command that repeats the choices from `point` on, with the test settings of `options`.
std::string ReplayCommand(const Options& options, const ReplayPoint& point);

}  // namespace rawkv::torture
