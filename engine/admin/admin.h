#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/export.h"
#include "base/result.h"
#include "engine/api/scrub.h"
#include "engine/engine.h"

// What an operator does to a store that is not open here, or will not open. `OpenOptions` gives the
// environment, the device's path if it moved, and the I/O engine.
namespace rawkv {

// Identity, versions and space without opening: beside a live writer (slots are those of `current`,
// the version comes from the log, `writer` is set), or of a store that will not open (what can be
// read; `health` says why). Changes nothing.
RAWKV_EXPORT Result<EngineInfo> InspectStore(const std::string& dir, const OpenOptions& options);

// Like Engine's, on a store that is closed, also one that cannot open (damaged index or log tail).
// Needs the lock (kBusy). The plan changes nothing.
RAWKV_EXPORT Result<RollbackPlan> PlanOfflineRollback(const std::string& dir, Version target,
                                                      const RollbackOptions& rollback,
                                                      const OpenOptions& options);
RAWKV_EXPORT Status OfflineRollback(const std::string& dir, Version target, const RollbackOptions& rollback,
                                    const OpenOptions& options);

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
// fsck: structure of everything, recomputing slot use from the keys (design invariant 3). Needs the
// lock (kBusy). Changes nothing. kNotFound: no store there.
RAWKV_EXPORT Result<CheckReport> CheckStore(const std::string& dir, const CheckOptions& check,
                                            const OpenOptions& options);
// The log alone: every segment and record.
RAWKV_EXPORT Result<CheckReport> VerifyLog(const std::string& dir, const OpenOptions& options);

// One act of a repair. `action`, stable: "superblock", "marker", "pins" (done unasked); "working", "slots",
// "snapshot", "current", "quarantine", "pin", "unpin", "log", "rollback".
struct RepairStep {
  std::string action;
  std::string where;
  std::optional<Version> version;
  std::string message;
  bool needs_no_agreement() const { return action == "superblock" || action == "marker" || action == "pins"; }
};
// Inclusive, ascending, disjoint.
using VersionRanges = std::vector<std::pair<Version, Version>>;
struct RepairPlan {
  std::vector<RepairStep> steps;  // in the order in which they are done; empty: nothing to do
  Version tip;                    // of the store afterwards
  VersionRanges gives_up;         // versions that could be read before the damage and cannot afterwards
  std::vector<std::pair<std::string, Version>> pins_dropped;
  std::string hopeless;  // why nothing can be done; empty where something can
  bool needs_confirmation() const { return !gives_up.empty() || !pins_dropped.empty(); }
};
struct RepairOptions {
  bool deep = false;
  // The plan's gives_up as it was seen and agreed to. Absent, or not what giving up it would take now:
  // only what endangers nothing is done.
  std::optional<VersionRanges> may_give_up;
};
struct RepairReport {
  std::vector<RepairStep> repaired;
  CheckReport left;  // a check of what is there now
  RepairPlan plan;   // as decided
  bool agreed = false;
};
// fsck --repair, for a store that is closed or will not open (docs/repair.md). The plan changes nothing;
// what a check finds goes to *found. A repair may be interrupted anywhere and run again. Needs the lock.
RAWKV_EXPORT Result<RepairPlan> PlanRepair(const std::string& dir, const CheckOptions& check,
                                           const OpenOptions& options, CheckReport* found);
RAWKV_EXPORT Result<RepairReport> RepairStore(const std::string& dir, const RepairOptions& repair,
                                              const OpenOptions& options);

struct ImportOptions {
  std::string in;        // directory written by Engine::Export
  FormatOptions format;  // of the new store; initial_version is the export's
  ProgressFn progress;
};
// Makes a new store with the export's content; its initial version is the export's. Built in `dir`, which is
// as for Engine::Format, and published in one step. After a failure nothing is left; an import that was
// interrupted is begun again by the same call. kFailedPrecondition: a store or something else is there;
// kBusy: another process has the directory; kCorruption names the chunk.
RAWKV_EXPORT Result<FormatResult> ImportStore(const std::string& dir, const ImportOptions& options);

struct ExportChunkRow {
  std::string chunk;
  uint64_t bytes = 0;
  std::string sha256_hex;
  std::string first_key, last_key;
};
// What an export directory's manifest says. kNotFound, kCorruption.
RAWKV_EXPORT Result<std::vector<ExportChunkRow>> ListExport(const std::string& export_dir,
                                                            const Environment& env = {});

// Semantic version of this library, and the newest formats it reads and writes.
RAWKV_EXPORT std::string LibraryVersion();
RAWKV_EXPORT FormatNumbers SupportedFormats();

}  // namespace rawkv
