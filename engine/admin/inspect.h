#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/export.h"
#include "base/result.h"
#include "engine/api/info.h"
#include "engine/api/options.h"
#include "engine/api/scrub.h"

// Looks at a store that is not open in this process, and changes nothing. `OpenOptions` gives the
// environment, the device's path if it moved, and the I/O engine.
namespace rawkv {

// Identity, versions and space without opening: beside a live writer (slots are those of `current`,
// the version comes from the log, `writer` is set), or of a store that will not open (what can be
// read; `health` says why). Changes nothing.
RAWKV_EXPORT Result<EngineInfo> InspectStore(const std::string& dir, const OpenOptions& options);

// Beside a live writer too. Change nothing.
RAWKV_EXPORT Result<std::vector<SnapshotRow>> ListSnapshots(const std::string& dir,
                                                            const OpenOptions& options);
struct SnapshotVerdict {
  Version version;
  std::vector<std::string> errors;  // empty = good
};
// Every file's checksum, and that the index opens at the version it claims. Needs the lock.
// Without `version` all. kFailedPrecondition: no such snapshot.
RAWKV_EXPORT Result<std::vector<SnapshotVerdict>> VerifySnapshots(const std::string& dir,
                                                                  std::optional<Version> version,
                                                                  const OpenOptions& options);

struct LogSegmentRow {
  std::string segment;  // file name
  Version first;
  Version last;
  uint64_t bytes = 0;
  bool sealed = false;
};
struct LogRecordRow {
  Version version;
  Lineage lineage;
  uint64_t time_unix_ms = 0;
  uint64_t puts = 0;
  uint64_t deletes = 0;  // keys and ranges
  Version durable_through;
};
RAWKV_EXPORT Result<std::vector<LogSegmentRow>> ListLog(const std::string& dir, const OpenOptions& options);
// Rows in order; needs the lock. Ends with kCorruption at damage, after the rows before it.
RAWKV_EXPORT Status DumpLog(const std::string& dir, const OpenOptions& options,
                            const std::function<Status(const LogRecordRow&)>& fn);

struct CheckReport {
  bool deep = false;
  std::vector<Finding> findings;   // damage
  std::vector<std::string> notes;  // what the next open will put right by itself
  bool ok() const { return findings.empty(); }
};
struct CheckOptions {
  bool deep = false;  // read and verify every payload, too
};
// fsck: structure of everything, recomputing slot use from the keys (invariant 3). Needs the
// lock (kBusy). Changes nothing. kNotFound: no store there.
RAWKV_EXPORT Result<CheckReport> CheckStore(const std::string& dir, const CheckOptions& check,
                                            const OpenOptions& options);
// The log alone: every segment and record.
RAWKV_EXPORT Result<CheckReport> VerifyLog(const std::string& dir, const OpenOptions& options);

// Semantic version of this library, and the newest formats it reads and writes.
RAWKV_EXPORT std::string LibraryVersion();
RAWKV_EXPORT FormatNumbers SupportedFormats();

}  // namespace rawkv
