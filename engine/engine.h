#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/export.h"
#include "base/result.h"
#include "base/types.h"
#include "engine/api/info.h"
#include "engine/api/iterator.h"
#include "engine/api/options.h"
#include "engine/api/read_view.h"
#include "engine/api/results.h"
#include "engine/api/scrub.h"
#include "engine/api/write_batch.h"

namespace rawkv {

// One open store: an embedded, versioned key-value engine. Every commit makes the next version; any
// retained version can be read or rolled back to. One process (and one Engine) has a store open at
// a time. Thread-safe, but for Open, Close and destruction. A process with a limit of file size
// (RLIMIT_FSIZE) must ignore SIGXFSZ; writes beyond the limit then answer kNoSpace. After a failed sync the
// engine is poisoned: commits fail with kPoisoned, reads go on, reopen to find out (invariant 10).
//
// Keys: 1 byte … 64 KiB. Values: 0 … 1 GiB. Commonest errors of any call: kIoError, kCorruption
// (names place and version), kFailedPrecondition after Close or in a read-only engine.
//
// No call throws. Without memory, or without a thread that it needs, a call answers kIoError and the
// engine works on; a commit that had reached the log by then answers kUnknown and poisons the engine.
//
// A process that is forked while a store is open cannot use the engine, nor open another store (kIoError):
// calls there answer kFailedPrecondition (version() 0), and destroying the engine, its views and iterators
// leaves everything to the parent. Such a process holds no lock of the parent's once the parent has closed
// the store, but a block device stays in use until the process has ended or called exec.
class RAWKV_EXPORT Engine {
 public:
  // Makes a store in `dir`: absent, empty but for lost+found, or left by a format that was interrupted. A
  // failure changes nothing, or leaves a directory that the same call takes again:
  // kFailedPrecondition (a store or foreign signature is there and no force; device in use), kBusy (another
  // process has the directory), kInvalidArgument, kNotSupported (no hard links there, or `digest`).
  static Result<FormatResult> Format(const std::string& dir, const FormatOptions& options);

  // Opens and recovers: comes back at the last acknowledged version. kBusy: open elsewhere; kNotFound:
  // no store; kCorruption: damage that would lose versions, named; kFailedPrecondition: wrong or
  // foreign device, or a STORE restored from a backup.
  static Result<std::unique_ptr<Engine>> Open(const std::string& dir, const OpenOptions& options = {});

  ~Engine();  // Close()s, dropping its error
  // Waits for calls under way, makes everything durable, writes the final watermark. Views and
  // iterators must be gone (kBusy, nothing closed). Twice is fine.
  Status Close();

  // Makes the batch the next version; returns when it is durable and visible (or only applied, when
  // unsynced). An empty batch is a version too. Callers on many threads share syncs. kNotApplied with
  // kInvalidArgument, kFailedPrecondition (expected_version), kNoSpace, kPoisoned; kUnknown with
  // kIoError.
  CommitResult Commit(const WriteBatch& batch, const CommitOptions& options = {});
  // Makes everything acknowledged so far durable.
  Status Sync();
  // The newest version that readers see. What a read or a view returned is never newer than what version()
  // answers afterwards, and reads that begin after it answered see that version or a newer one (unless a
  // rollback comes between). May wait while a commit is applied in memory; never for a sync.
  Version version() const;
  // The newest version known to be durable; never above version().
  Version durable_version() const;

  // kNotFound: no such key at that version. Every byte returned is verified (kCorruption otherwise).
  Result<Value> Get(std::string_view key, const ReadOptions& options = {});
  // Into the caller's memory; returns the value's length. kInvalidArgument names the length needed
  // if `out` is too small (nothing written). Straight from the device when `out` and the length
  // suit (4096-aligned memory, room for the length rounded up to 4096).
  Result<uint64_t> GetInto(std::string_view key, Bytes out, const ReadOptions& options = {});
  // Bytes [offset, offset + out.size()) of the value, fewer at its end; reads and verifies only the
  // 256 KiB chunks concerned. Returns how many; 0 at or beyond the end.
  Result<uint64_t> GetRange(std::string_view key, uint64_t offset, Bytes out,
                            const ReadOptions& options = {});
  // One result a key, in order; the device's queue is kept full. Empty when there is no memory for the
  // results.
  std::vector<Result<Value>> MultiGet(std::span<const std::string_view> keys,
                                      const ReadOptions& options = {});
  Result<bool> Exists(std::string_view key, const ReadOptions& options = {});
  Result<std::unique_ptr<Iterator>> NewIterator(const IteratorOptions& options = {});
  // The tip (cheap), or any retained version (clones the nearest snapshot and replays: linear in the
  // distance). kVersionUnreachable.
  Result<std::shared_ptr<const ReadView>> OpenView(std::optional<Version> version = std::nullopt);
  // Time and metadata of a retained version, or of one that an open view holds. kVersionUnreachable.
  Result<CommitRecord> GetCommit(Version version);

  // Of the five that follow: after kIoError or kNoSpace it may be done or not, and if it is, a power cut may
  // still undo it; the same again settles it. What was promised before holds either way.
  // A durable snapshot of the tip; commits go on meanwhile. Returns the version it contains, which
  // may be an existing one's. Retention applies afterwards.
  Result<Version> CreateSnapshot();
  // `current`'s: the link moves to the newest other snapshot first; kFailedPrecondition if it is the
  // only one, pinned, or absent.
  Status DeleteSnapshot(Version version);
  // Keeps `keep` unpinned snapshots besides the newest (default: the setting); returns the removed.
  Result<std::vector<Version>> Prune(std::optional<uint64_t> keep = std::nullopt);
  // Holds a snapshot's version by name; without a version the tip's, making the snapshot. The same
  // again is fine; kFailedPrecondition: the name is taken, or no snapshot there.
  Result<Version> Pin(const std::string& name, std::optional<Version> version = std::nullopt);
  Status Unpin(const std::string& name);                                  // kFailedPrecondition: no such pin
  Status SetRetention(uint64_t keep_recent, uint64_t snapshot_interval);  // for this run

  // Returns to `target`, durably and at one instant; later versions are gone. Commits that wait get
  // kNotApplied. Reads and new views continue while the rollback builds the index of `target`; they wait
  // only while it replaces the live one. Calls at the same time take turns.
  // kVersionUnreachable: no snapshot and log lead to `target`. kFailedPrecondition, and nothing has changed:
  // something blocks it, namely
  //   - a view, an iterator without a view of its own, or an export of the tip that is open, whatever its
  //     version (it reads the live index), also one that was opened while the index was being built;
  //   - a view or an export of an older version above `target`, or a lease of another process above it;
  //   - a named pin above `target`, without drop_pins.
  // A rollback to the tip changes nothing and is never blocked. kPoisoned after an earlier failed sync.
  // kIoError or kNoSpace: undone, or, after the instant, finished by the recovery that follows; version()
  // tells which. If that recovery fails, too, every call fails until the store is reopened.
  //
  // The plan names everything that blocks in `blocked_by`, by the same rules.
  Result<RollbackPlan> PlanRollback(Version target, const RollbackOptions& options = {});
  Status Rollback(Version target, const RollbackOptions& options = {});

  // Writes the version's content to a directory for ImportStore; commits go on meanwhile. The directory is
  // absent, empty but for lost+found, or left by an export that was interrupted. A failure leaves the
  // directory empty. kFailedPrecondition: something else is there, or the directory above is missing; kBusy:
  // another export writes there.
  Status Export(const ExportOptions& options);

  // Reads and verifies, at a bounded rate, all that the store keeps: superblocks, log, snapshots, every
  // payload that a retained version names. Runs concurrently with every other call; a slot that is freed or
  // reused meanwhile is not reported as damage. STORE/SCRUB keeps the place of a pass that was stopped or
  // interrupted by a crash, and the next run resumes there. One run at a time: kBusy. kFailedPrecondition
  // when read-only.
  // Scrub returns the report of its own run at the end of the pass, also when StopScrub ended it early.
  // StartScrub works in the background until the pass ends, StopScrub is called or the store is closed.
  // StopScrub ends the run under way, waits for it and returns its report; without one it returns the
  // report of the last run. scrub_report returns that of the newest run, finished or not.
  Result<ScrubReport> Scrub(const ScrubOptions& options = {});
  Status StartScrub(const ScrubOptions& options = {});
  ScrubReport StopScrub();
  ScrubReport scrub_report() const;

  Result<EngineInfo> Info();
  EngineStats stats() const;

 private:
  class Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace rawkv
