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

// Every flag of every command, by value. Which flags a command takes: command_table.cc. A flag means the
// same with each command that takes it. Absent values: not given.
struct Flags {
  // Everywhere.
  std::string store;  // --store, else RAWKV_STORE; "" = neither
  bool json = false;

  // Opening.
  IoEngine engine = IoEngine::kAuto;
  std::optional<Durability> durability;
  std::optional<uint64_t> snapshot_interval;
  std::optional<uint64_t> keep_recent;
  std::optional<uint64_t> wal_segment_bytes;
  std::optional<std::string> device;
  bool read_only = false;

  // Making a store.
  std::optional<uint64_t> capacity_bytes;
  std::optional<uint64_t> slot_bytes;
  std::optional<uint64_t> header_bytes;
  std::optional<uint64_t> inline_bytes;
  std::optional<Version> initial_version;
  bool digest = false;
  bool force = false;

  // What to work on.
  std::optional<Version> version;
  std::optional<Version> from, to, base;
  std::optional<std::string> key;     // decoded from --key_b64
  std::optional<std::string> prefix;  // --prefix, or decoded from --prefix_b64
  std::optional<uint64_t> limit;
  std::optional<std::string> name;
  std::optional<uint64_t> keep;

  // Files.
  std::optional<std::string> file, out, in, list;
  std::optional<uint64_t> chunk_bytes;

  // How.
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

// Absent if there is no such flag. Underscores only; dashes are command_line's business.
std::optional<FlagDescription> DescribeFlag(std::string_view name);

// Sets the flags that were given (name, value; a later one wins) and returns all. kInvalidArgument names
// the flag and what is wrong with its value; the process is never ended from here.
Result<Flags> ReadFlags(const std::vector<std::pair<std::string, std::string>>& given);

}  // namespace rawkv::ctl
