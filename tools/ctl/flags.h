#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "blockdev/open_block_device.h"
#include "engine/api/options.h"
#include "tools/cli/flag_set.h"

namespace rawkv::ctl {

// Conversions of values that only this program has (see flag_set.h).
Result<std::optional<Version>> VersionValue(uint64_t number);
Result<std::optional<std::string>> AnyTextValue(const std::string& text);  // may be empty
Result<std::optional<std::string>> Base64Value(const std::string& text);   // decoded
Result<std::optional<uint64_t>> TimeValue(const std::string& text);        // in milliseconds since 1970
Result<IoEngine> EngineValue(const std::string& text);
Result<std::optional<uint64_t>> WatchValue(uint64_t seconds);  // 1 … a day

// All flags of all commands, without those of the settings (setting_flags.h). A flag has the same meaning in
// every command; command_table.cc lists which command takes which flag. flag_set.h explains the columns.
// clang-format off
#define RAWKV_CTL_FLAGS(FLAG) \
  FLAG(string, DirValue, store, "", "DIR: the store's directory (default: the environment variable RAWKV_STORE)") \
  FLAG(bool, SwitchValue, json, false, "print JSON, one document or row per line") \
  FLAG(string, EngineValue, engine, "auto", "auto|posix|io_uring|nvme: the I/O engine (auto)") \
  FLAG(string, PathValue, device, "", "PATH: the device or file that holds the payload") \
  FLAG(uint64, NumberValue, wait, 0, "SECONDS: wait so long for another process that has the store open (0)") \
  FLAG(bool, SwitchValue, read_only, false, "read a temporary clone and change nothing in the store") \
  FLAG(bool, SwitchValue, accept_older_store, false, "also read a restored metadata directory that is older than its device") \
  FLAG(string, BytesValue, capacity, "", "BYTES: size of a new device file (1GiB)") \
  FLAG(string, BytesValue, size, "", "BYTES: make the device file so large first") \
  FLAG(string, BytesValue, slot_bytes, "", "BYTES: allocation unit, a multiple of 4KiB up to 64MiB (4KiB)") \
  FLAG(string, BytesValue, header_bytes, "", "BYTES: self-describing extents: 0 or a multiple of 4KiB (0)") \
  FLAG(string, BytesValue, inline_bytes, "", "BYTES: values up to this stay in the index, 0 to 64KiB (1KiB)") \
  FLAG(string, BytesValue, meta_total_bytes, "", "BYTES: of the device for checkpoints of the index, a multiple of 8KiB, 0 = none (0)") \
  FLAG(uint64, VersionValue, initial_version, 0, "N: version of the empty state (0)") \
  FLAG(bool, SwitchValue, digest, false, "keep a state digest for every version (not supported yet)") \
  FLAG(bool, SwitchValue, force, false, "overwrite an older store or a foreign signature") \
  FLAG(bool, SwitchValue, preallocate, false, "write zeros to the whole device file, so that later writes need no new blocks") \
  FLAG(uint64, VersionValue, version, 0, "N: the version to work on") \
  FLAG(string, TimeValue, time, "", "TIME: the newest version of that time: 2026-03-01T14:05:00Z, '2h ago', '3d ago 14:05'") \
  FLAG(string, AnyTextValue, from, "", "A: the first key; for log and diff the older version, or its time; for rebuild: checkpoint") \
  FLAG(string, AnyTextValue, to, "", "B: the key after the last one; for log and diff the newer version, or its time") \
  FLAG(string, Base64Value, from_b64, "", "BASE64: like --from, for a key that is not text") \
  FLAG(string, Base64Value, to_b64, "", "BASE64: like --to, for a key that is not text") \
  FLAG(uint64, VersionValue, base, 0, "M: write only what changed since this version (not supported yet)") \
  FLAG(string, TextValue, key, "", "KEY: only versions that change this key") \
  FLAG(bool, SwitchValue, keys, false, "also print the keys that each version changes") \
  FLAG(string, Base64Value, key_b64, "", "BASE64: the key, in place of KEY") \
  FLAG(string, AnyTextValue, prefix, "", "TEXT: only keys that begin with this") \
  FLAG(string, Base64Value, prefix_b64, "", "BASE64: like --prefix, for a prefix that is not text") \
  FLAG(uint64, NumberValue, limit, 0, "K: print at most K rows, 0 = all (0)") \
  FLAG(string, TextValue, name, "", "NAME: name of the pin") \
  FLAG(uint64, NumberValue, keep, 0, "K: unpinned snapshots to keep besides the newest (the store's keep_recent)") \
  FLAG(string, PathValue, file, "", "PATH: the value is this file's content, - = standard input") \
  FLAG(string, PathValue, out, "", "PATH: file or directory to write to") \
  FLAG(string, DirValue, in, "", "DIR: an export's directory") \
  FLAG(string, DirValue, list, "", "DIR: print the chunks of the export in this directory") \
  FLAG(string, BytesValue, chunk_bytes, "", "BYTES: size of an export's chunks, up to 16MiB (8MiB)") \
  FLAG(bool, SwitchValue, values, false, "read and verify each value, and print it") \
  FLAG(bool, SwitchValue, sha256, false, "read and verify each value, and print its SHA-256") \
  FLAG(bool, SwitchValue, dry_run, false, "print the plan and change nothing") \
  FLAG(bool, SwitchValue, drop_pins, false, "drop named pins above the version instead of refusing") \
  FLAG(bool, SwitchValue, yes, false, "do not ask") \
  FLAG(bool, SwitchValue, deep, false, "also read and verify every payload") \
  FLAG(bool, SwitchValue, repair, false, "repair what can be repaired; ask before giving up versions") \
  FLAG(bool, SwitchValue, drop_damaged, false, "delete the keys whose payload is gone, after listing them") \
  FLAG(string, BytesValue, rate, "", "BYTES: read at most BYTES per second, 0 = no limit (100MiB)") \
  FLAG(bool, SwitchValue, restart, false, "begin a new pass instead of resuming an interrupted one") \
  FLAG(bool, SwitchValue, man, false, "print the manual page, for man(1)") \
  FLAG(bool, SwitchValue, prometheus, false, "print the text format of Prometheus") \
  FLAG(uint64, WatchValue, watch, 1, "[SECONDS]: print again every so many seconds (1), until interrupted") \
  FLAG(uint64, WatchValue, interval, 1, "SECONDS: time between two screens or rows (1)") \
  FLAG(uint64, NumberValue, count, 0, "N: end after N screens or rows, 0 = when interrupted (0)")
// clang-format on

// The values of the flags. A value that is not a switch is absent if the flag was not given.
struct Flags {
  RAWKV_CTL_FLAGS(RAWKV_FLAG_FIELD)
  SettingsChange settings;
};

inline constexpr FlagSet kFlagSet = {.prefix = "ctl_", .bare_name = "version"};

// Sets the flags that were given and returns the values of all flags. `store` falls back to the environment
// variable RAWKV_STORE, and `prefix`, `from` and `to` to the flag with _b64. kInvalidArgument names the flag
// and the problem with its value. Never ends the process.
Result<Flags> ReadFlags(const std::vector<std::pair<std::string, std::string>>& given);

// The value of --from or --to for the commands that take a version or a time there, not a key. At most one
// of the two is there; neither if the flag was not given.
struct VersionBound {
  std::optional<Version> version;
  std::optional<uint64_t> unix_ms;
  bool has_value() const { return version.has_value() || unix_ms.has_value(); }
};
// Parses --from or --to (`name`).
Result<VersionBound> ParseVersionBound(std::string_view name, const std::optional<std::string>& text);

}  // namespace rawkv::ctl
