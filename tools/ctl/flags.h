#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "blockdev/open_block_device.h"
#include "engine/api/options.h"

namespace rawkv::ctl {

// The values of all flags of all commands. command_table.cc lists which flags a command takes. A flag has the
// same meaning in every command. A value is absent if the flag was not given.
struct Flags {
  // For every command.
  std::string store;  // --store, or else RAWKV_STORE; "" = neither
  bool json = false;

  // Open flags.
  IoEngine engine = IoEngine::kAuto;
  std::optional<Durability> durability;
  std::optional<uint64_t> snapshot_interval;
  std::optional<uint64_t> keep_recent;
  std::optional<uint64_t> wal_segment_bytes;
  std::optional<std::string> device;
  bool read_only = false;

  // Format flags.
  std::optional<uint64_t> capacity_bytes;
  std::optional<uint64_t> slot_bytes;
  std::optional<uint64_t> header_bytes;
  std::optional<uint64_t> inline_bytes;
  std::optional<Version> initial_version;
  bool digest = false;
  bool force = false;

  // Versions, keys and names.
  std::optional<Version> version;
  std::optional<Version> from, to, base;
  std::optional<std::string> key;     // decoded from --key_b64
  std::optional<std::string> prefix;  // --prefix, or decoded from --prefix_b64
  std::optional<uint64_t> limit;
  std::optional<std::string> name;
  std::optional<uint64_t> keep;

  // Files and directories.
  std::optional<std::string> file, out, in, list;
  std::optional<uint64_t> chunk_bytes;

  // Modes.
  bool sha256 = false;
  bool dry_run = false;
  bool drop_pins = false;
  bool yes = false;
  bool deep = false;
  bool repair = false;
  std::optional<uint64_t> rate;  // bytes a second
  bool restart = false;
  bool prometheus = false;
};

enum class FlagKind : uint8_t { kBoolean, kValue };

struct FlagDescription {
  std::string name;  // as users write it, without dashes
  FlagKind kind = FlagKind::kValue;
  std::string argument;  // "DIR", "N", …; empty for a boolean
  std::string help;
};

// Absent if there is no such flag. `name` is spelled with underscores; command_line.cc replaces dashes.
std::optional<FlagDescription> DescribeFlag(std::string_view name);

// Sets the flags that were given (name, value; a later value wins) and returns the values of all flags.
// kInvalidArgument names the flag and the problem with its value. Never ends the process.
Result<Flags> ReadFlags(const std::vector<std::pair<std::string, std::string>>& given);

}  // namespace rawkv::ctl
