#include "tools/ctl/flags.h"

#include <fmt/format.h>
#include <gflags/gflags.h>

#include <cstdlib>

#include "tools/cli/base64.h"
#include "tools/cli/byte_size.h"

// gflags keeps the types, values and descriptions ("ARGUMENT: help") of the flags. command_line.cc parses the
// command line instead of gflags: gflags would end the program with status 1 at an unknown flag or a bad
// value, and would accept every flag with every command. It also has a flag `--version` of its own; RocksDB
// links gflags, so a second definition would end the program at start.

DEFINE_string(store, "", "DIR: the store's directory (default: the environment variable RAWKV_STORE)");
DEFINE_bool(json, false, "print JSON, one document or row per line");

DEFINE_string(engine, "auto", "NAME: I/O engine: auto, posix, io_uring, nvme");
DEFINE_string(durability, "", "MODE: synced, unsafe_unsynced (a power cut may lose the newest versions)");
DEFINE_uint64(snapshot_interval, 0, "N: versions between automatic snapshots, 0 = none (10000)");
DEFINE_uint64(keep_recent, 0, "K: unpinned snapshots kept besides the newest (2)");
DEFINE_string(wal_segment_bytes, "", "BYTES: size of a log segment, 64KiB to 1GiB (64MiB)");
DEFINE_string(device, "", "PATH: the device or file that holds the payload");
DEFINE_bool(read_only, false, "read a temporary clone and change nothing in the store");

DEFINE_string(capacity, "", "BYTES: size of a new device file (1GiB)");
DEFINE_string(slot_bytes, "", "BYTES: allocation unit, a multiple of 4KiB up to 64MiB (4KiB)");
DEFINE_string(header_bytes, "", "BYTES: self-describing extents: 0 or a multiple of 4KiB (0)");
DEFINE_string(inline_bytes, "", "BYTES: values up to this stay in the index, 0 to 64KiB (1KiB)");
DEFINE_uint64(initial_version, 0, "N: version of the empty state (0)");
DEFINE_bool(digest, false, "keep a state digest for every version (not supported yet)");
DEFINE_bool(force, false, "overwrite an older store or a foreign signature");

DEFINE_uint64(at_version, 0, "N: the version to work on");
DEFINE_uint64(from, 0, "A: the older version");
DEFINE_uint64(to, 0, "B: the newer version");
DEFINE_uint64(base, 0, "M: write only what changed since this version (not supported yet)");
DEFINE_string(key_b64, "", "BASE64: the key, in place of KEY");
DEFINE_string(prefix, "", "TEXT: only keys that begin with this");
DEFINE_string(prefix_b64, "", "BASE64: like --prefix, for a prefix that is not text");
DEFINE_uint64(limit, 0, "K: print at most K rows, 0 = all (0)");
DEFINE_string(name, "", "NAME: name of the pin");
DEFINE_uint64(keep, 0, "K: unpinned snapshots to keep besides the newest (the store's keep_recent)");

DEFINE_string(file, "", "PATH: the value is this file's content, - = standard input");
DEFINE_string(out, "", "PATH: file or directory to write to");
DEFINE_string(in, "", "DIR: an export's directory");
DEFINE_string(list, "", "DIR: print the chunks of the export in this directory");
DEFINE_string(chunk_bytes, "", "BYTES: size of an export's chunks, up to 16MiB (8MiB)");

DEFINE_bool(sha256, false, "read and verify each value, and print its SHA-256");
DEFINE_bool(dry_run, false, "print the plan and change nothing");
DEFINE_bool(drop_pins, false, "drop named pins above the version instead of refusing");
DEFINE_bool(yes, false, "do not ask");
DEFINE_bool(deep, false, "also read and verify every payload");
DEFINE_bool(repair, false, "repair what can be repaired; ask before giving up versions");
DEFINE_string(rate, "", "BYTES: read at most BYTES per second, 0 = no limit (100MiB)");
DEFINE_bool(restart, false, "begin a new pass instead of resuming an interrupted one");
DEFINE_bool(prometheus, false, "print Prometheus text (not supported yet)");

namespace rawkv::ctl {
namespace {

std::string RegisteredName(std::string_view name) {
  return name == "version" ? "at_version" : std::string(name);
}

std::optional<gflags::CommandLineFlagInfo> FindRegisteredFlag(std::string_view name) {
  gflags::CommandLineFlagInfo info;
  if (name == "at_version" || !gflags::GetCommandLineFlagInfo(RegisteredName(name).c_str(), &info)) {
    return std::nullopt;
  }
  // Hides the flags of gflags itself (flagfile, fromenv, …) and of other libraries.
  if (info.filename != __FILE__) return std::nullopt;
  return info;
}

bool IsGiven(std::string_view name) {
  const auto info = FindRegisteredFlag(name);
  return info.has_value() && !info->is_default;
}

Status BadValue(std::string_view name, std::string_view why) {
  return Status::InvalidArgument(fmt::format("--{}: {}", name, why));
}

Status SetFlag(const std::string& name, const std::string& value) {
  const auto info = FindRegisteredFlag(name);
  if (!info.has_value()) return Status::InvalidArgument(fmt::format("unknown flag --{}", name));
  if (!gflags::SetCommandLineOption(info->name.c_str(), value.c_str()).empty()) return Status::Ok();
  const bool boolean = info->type == "bool";
  return BadValue(name,
                  fmt::format("'{}' is not {}", value, boolean ? "true or false" : "a number (0 or more)"));
}

// Reads flags, with one function per kind of value. A flag that was not given is absent; a given value is
// checked. Keeps the first error.
class Reader {
 public:
  std::optional<uint64_t> Number(std::string_view name, uint64_t value) const {
    return IsGiven(name) ? std::optional(value) : std::nullopt;
  }

  std::optional<Version> VersionNumber(std::string_view name, uint64_t value) const {
    return IsGiven(name) ? std::optional(Version(value)) : std::nullopt;
  }

  std::optional<std::string> Text(std::string_view name, const std::string& value) {
    if (!IsGiven(name)) return std::nullopt;
    if (value.empty()) Fail(BadValue(name, "needs a value"));
    return value;
  }

  std::optional<uint64_t> Bytes(std::string_view name, const std::string& value) {
    if (!IsGiven(name)) return std::nullopt;
    const Result<uint64_t> bytes = ParseByteSize(value);
    if (!bytes.ok()) Fail(BadValue(name, bytes.status().message()));
    return bytes.ok() ? std::optional(*bytes) : std::nullopt;
  }

  std::optional<std::string> Base64(std::string_view name, const std::string& value) {
    if (!IsGiven(name)) return std::nullopt;
    Result<std::string> bytes = DecodeBase64(value);
    if (!bytes.ok()) Fail(BadValue(name, bytes.status().message()));
    return bytes.ok() ? std::optional(std::move(bytes).value()) : std::nullopt;
  }

  void Fail(const Status& status) {
    if (status_.ok()) status_ = status;
  }
  const Status& status() const { return status_; }

 private:
  Status status_;
};

void ReadOpenFlags(Reader& reader, Flags& flags) {
  const Result<IoEngine> engine = ParseIoEngine(FLAGS_engine);
  if (engine.ok()) {
    flags.engine = *engine;
  } else {
    reader.Fail(BadValue("engine", fmt::format("'{}' is not auto, posix, io_uring or nvme", FLAGS_engine)));
  }
  if (FLAGS_durability == "synced") {
    flags.durability = Durability::kSynced;
  } else if (FLAGS_durability == "unsafe_unsynced") {
    flags.durability = Durability::kUnsafeUnsynced;
  } else if (IsGiven("durability")) {
    reader.Fail(
        BadValue("durability", fmt::format("'{}' is not synced or unsafe_unsynced", FLAGS_durability)));
  }
  flags.snapshot_interval = reader.Number("snapshot_interval", FLAGS_snapshot_interval);
  flags.keep_recent = reader.Number("keep_recent", FLAGS_keep_recent);
  flags.wal_segment_bytes = reader.Bytes("wal_segment_bytes", FLAGS_wal_segment_bytes);
  flags.device = reader.Text("device", FLAGS_device);
  flags.read_only = FLAGS_read_only;
}

void ReadFormatFlags(Reader& reader, Flags& flags) {
  flags.capacity_bytes = reader.Bytes("capacity", FLAGS_capacity);
  flags.slot_bytes = reader.Bytes("slot_bytes", FLAGS_slot_bytes);
  flags.header_bytes = reader.Bytes("header_bytes", FLAGS_header_bytes);
  flags.inline_bytes = reader.Bytes("inline_bytes", FLAGS_inline_bytes);
  flags.initial_version = reader.VersionNumber("initial_version", FLAGS_initial_version);
  flags.digest = FLAGS_digest;
  flags.force = FLAGS_force;
}

void ReadSubjectFlags(Reader& reader, Flags& flags) {
  flags.version = reader.VersionNumber("version", FLAGS_at_version);
  flags.from = reader.VersionNumber("from", FLAGS_from);
  flags.to = reader.VersionNumber("to", FLAGS_to);
  flags.base = reader.VersionNumber("base", FLAGS_base);
  flags.key = reader.Base64("key_b64", FLAGS_key_b64);
  flags.prefix = reader.Base64("prefix_b64", FLAGS_prefix_b64);
  if (IsGiven("prefix")) {
    if (flags.prefix.has_value()) reader.Fail(BadValue("prefix", "give either --prefix or --prefix_b64"));
    flags.prefix = FLAGS_prefix;  // an empty prefix matches every key
  }
  flags.limit = reader.Number("limit", FLAGS_limit);
  flags.name = reader.Text("name", FLAGS_name);
  flags.keep = reader.Number("keep", FLAGS_keep);
  flags.file = reader.Text("file", FLAGS_file);
  flags.out = reader.Text("out", FLAGS_out);
  flags.in = reader.Text("in", FLAGS_in);
  flags.list = reader.Text("list", FLAGS_list);
  flags.chunk_bytes = reader.Bytes("chunk_bytes", FLAGS_chunk_bytes);
}

}  // namespace

std::optional<FlagDescription> DescribeFlag(std::string_view name) {
  const auto info = FindRegisteredFlag(name);
  if (!info.has_value()) return std::nullopt;
  if (info->type == "bool")
    return FlagDescription{std::string(name), FlagKind::kBoolean, "", info->description};
  const size_t colon = info->description.find(": ");
  return FlagDescription{std::string(name), FlagKind::kValue, info->description.substr(0, colon),
                         info->description.substr(colon + 2)};
}

Result<Flags> ReadFlags(const std::vector<std::pair<std::string, std::string>>& given) {
  for (const auto& [name, value] : given) RAWKV_RETURN_IF_ERROR(SetFlag(name, value));
  Reader reader;
  Flags flags;
  // An empty --store (an unset variable in a script) must not select the store of RAWKV_STORE.
  flags.store = reader.Text("store", FLAGS_store).value_or("");
  if (const char* const fallback = std::getenv("RAWKV_STORE"); !IsGiven("store") && fallback != nullptr) {
    flags.store = fallback;
  }
  flags.json = FLAGS_json;
  ReadOpenFlags(reader, flags);
  ReadFormatFlags(reader, flags);
  ReadSubjectFlags(reader, flags);
  flags.sha256 = FLAGS_sha256;
  flags.dry_run = FLAGS_dry_run;
  flags.drop_pins = FLAGS_drop_pins;
  flags.yes = FLAGS_yes;
  flags.deep = FLAGS_deep;
  flags.repair = FLAGS_repair;
  flags.rate = reader.Bytes("rate", FLAGS_rate);
  flags.restart = FLAGS_restart;
  flags.prometheus = FLAGS_prometheus;
  RAWKV_RETURN_IF_ERROR(reader.status());
  return flags;
}

}  // namespace rawkv::ctl
