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

// Reads a store that is not open in this process. `OpenOptions` gives the environment, the device's path if
// it moved, the I/O engine, and how long to wait for the lock; the rest of it is ignored.
//
// No function changes the store, also after an error. (Those that need the lock write their process to LOCK,
// and CheckStore makes a throw-away clone below views/.) All functions are thread-safe and throw nothing. Any
// of them may return kNotFound (there is no store), kCorruption (STORE and STORE-COPY, or both superblocks,
// are damaged), kFailedPrecondition (a wrong device, or a STORE or device from a backup) and kIoError. A
// function that needs the lock returns kBusy while another process has the store open.
namespace rawkv {

// Identity, versions and space as an open would find them. Does not need the lock, and changes no file. Next
// to a writer the slots are those of `current`, the version is the last one in the log, and `writer` has the
// status that it published last. For a store that cannot be opened, the result has everything that can be
// read, and `unopenable` and `health` have the error. kBusy: the store changed during each attempt.
RAWKV_EXPORT Result<EngineInfo> InspectStore(const std::string& dir, const OpenOptions& options);

// Whether a rollback or the removal of a file was interrupted. The next open for writing finishes it. False
// if another process has the store open, and so may be at that work. Does not need the lock.
RAWKV_EXPORT Result<bool> HasInterruptedWork(const std::string& dir, const OpenOptions& options);

// The snapshots of the present branch, ascending. Does not need the lock.
RAWKV_EXPORT Result<std::vector<SnapshotRow>> ListSnapshots(const std::string& dir,
                                                            const OpenOptions& options);
struct SnapshotVerdict {
  Version version;
  std::vector<std::string> errors;  // empty: the snapshot is whole
};
// Verifies the checksum of every file of a snapshot, and that its index opens at the version of its name.
// Without `version` verifies all snapshots. Does not need the lock: leaves out a snapshot that a writer
// removes meanwhile. kFailedPrecondition: there is no such snapshot.
RAWKV_EXPORT Result<std::vector<SnapshotVerdict>> VerifySnapshots(const std::string& dir,
                                                                  std::optional<Version> version,
                                                                  const OpenOptions& options);

// One file of the log.
struct LogSegmentRow {
  std::string segment;  // file name
  Version first;
  Version last;  // below `first` if the segment holds no record
  uint64_t bytes = 0;
  bool sealed = false;
};
// One record of the log.
struct LogRecordRow {
  Version version;
  Lineage lineage;
  uint64_t time_unix_ms = 0;
  uint64_t puts = 0;
  uint64_t deletes = 0;  // keys and ranges
  Version durable_through;
};
// The segments of the log, in order. Does not need the lock. kCorruption: the log is missing.
RAWKV_EXPORT Result<std::vector<LogSegmentRow>> ListLog(const std::string& dir, const OpenOptions& options);
// Calls `fn` with each record of the log, in order, until `fn` returns an error, which DumpLog then returns.
// Does not need the lock; a writer may append meanwhile. kCorruption: the log is damaged; `fn` has got the
// records before the damage. kBusy: a writer dropped segments before they were read.
RAWKV_EXPORT Status DumpLog(const std::string& dir, const OpenOptions& options,
                            const std::function<Status(const LogRecordRow&)>& fn);

struct CheckReport {
  bool deep = false;               // payload was verified, too
  std::vector<Finding> findings;   // damage
  std::vector<std::string> notes;  // what the next open corrects by itself, and what the check left out
  bool ok() const { return findings.empty(); }
};
struct CheckOptions {
  bool deep = false;  // read and verify every payload, too
};
// fsck: checks the structure of the whole store, and computes from the keys which slots are used (invariant
// 3). Damage is a finding, not an error, also the loss of STORE and STORE-COPY or of both superblocks. An
// error means that the check could not read a part of the store. Does not need the lock. Next to a writer it
// checks a leased view of the newest version, and the notes name the parts that it leaves out: the working
// index, leftovers, and the payloads of older versions.
RAWKV_EXPORT Result<CheckReport> CheckStore(const std::string& dir, const CheckOptions& check,
                                            const OpenOptions& options);
// Checks every segment and record of the log, like CheckStore. Does not need the lock.
RAWKV_EXPORT Result<CheckReport> VerifyLog(const std::string& dir, const OpenOptions& options);

// The semantic version of this library: "MAJOR.MINOR.PATCH".
RAWKV_EXPORT std::string LibraryVersion();
// The newest stored formats that this library reads and writes.
RAWKV_EXPORT FormatNumbers SupportedFormats();

}  // namespace rawkv
