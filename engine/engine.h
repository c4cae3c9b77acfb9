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
#include "engine/api/device.h"
#include "engine/api/history.h"
#include "engine/api/info.h"
#include "engine/api/iterator.h"
#include "engine/api/options.h"
#include "engine/api/read_view.h"
#include "engine/api/results.h"
#include "engine/api/scrub.h"
#include "engine/api/session.h"
#include "engine/api/write_batch.h"

namespace rawkv {

// One open store: an embedded, versioned key-value engine. Each commit makes the next version. A caller can
// read any retained version, or roll back to it. At most one Engine in one process has a store open.
//
// Keys have 1 byte to 64 KiB, values 0 bytes to 1 GiB.
//
// Threads: all functions are thread-safe, except Open, Close and the destructor. No other call may run during
// those.
//
// Errors: no call throws. Any call may return
//   - kIoError: the operating system or the device failed or refused an operation;
//   - kCorruption: bytes on disk fail their checksum; the message names the place and the version;
//   - kFailedPrecondition: the engine is closed, or the call would write and the engine is read-only;
//   - kPoisoned: for calls that write, after a failed sync (invariant 10). Reads continue. The caller must
//     reopen the store to learn which of the last commits are durable.
// A call that lacks memory or a thread returns kIoError. If a commit had reached the log by then, its outcome
// is kUnknown, and the engine is poisoned.
//
// File size limit: a process with RLIMIT_FSIZE must ignore SIGXFSZ. A write beyond the limit then returns
// kNoSpace.
//
// fork: a process that was forked while a store is open can neither use the engine nor open another store
// (kIoError). There, calls of the engine return kFailedPrecondition, version() returns 0, and the destructors
// of the engine, its views and its iterators change nothing, neither in memory nor on disk. The forked
// process keeps no lock once the parent has closed the store, but a block device stays in use until the
// forked process ends or calls exec.
class RAWKV_EXPORT Engine {
 public:
  // Makes a store in `dir`. The directory may be absent, be empty (lost+found is allowed), hold an unfinished
  // format, or, with `force`, hold an older store or an unfinished import.
  // kFailedPrecondition: the directory holds something else, the device has a signature and `force` is not
  // set, or the device is mounted or in use. kBusy: another process has the directory. kInvalidArgument: an
  // option is out of range. kNotSupported: `digest`, or a filesystem without hard links. kNoSpace. After a
  // failure the directory is as before, or is marked as unfinished, and the same call makes a store of it.
  static Result<FormatResult> Format(const std::string& dir, const FormatOptions& options);

  // Opens the store and recovers it: the tip is at or above the last version that was acknowledged as durable
  // (protocols: open steps 1 to 13). The time grows with the end of the log, not with the device or the
  // number of keys. kNotFound: there is no store. kBusy: the store is open elsewhere. kFailedPrecondition: a
  // wrong device, or a STORE or device from a backup. kCorruption: damage; to continue would lose versions,
  // which the message names. kInvalidArgument: an option is out of range, or differs from the value fixed at
  // format. kNotSupported: a newer format. After a failure the store is closed, and nothing that a later open
  // needs is lost. With `read_only` another process may have the store open. kBusy then means that it rolls
  // the store back or changes it too fast; kNoSpace and kIoError also that no clone can be made alongside it.
  static Result<std::unique_ptr<Engine>> Open(const std::string& dir, const OpenOptions& options = {});

  ~Engine();  // calls Close and drops its error
  // Closes the sessions, waits for the calls that are under way, makes everything durable, writes the final
  // watermark, and releases device and lock. Idempotent. kBusy: a view or an iterator is still open; nothing
  // was closed. After any other error the engine is closed, and versions above durable_version() may be lost
  // to a power cut.
  Status Close();

  // Makes the batch the next version. An empty batch makes a version, too. Returns when the version is
  // durable and visible, or, in the mode kUnsafeUnsynced, when it is applied in memory. Callers on many
  // threads share syncs.
  //   - kApplied: the version is in `version`.
  //   - kNotApplied: nothing changed. kInvalidArgument: a limit of WriteBatch. kFailedPrecondition: the next
  //     version is not `expected_version`, or a rollback is under way. kNoSpace: the device or the filesystem
  //     is full. kPoisoned: see above.
  //   - kUnknown: writing or syncing the log, flushing the device or applying to the index failed. The
  //     engine is poisoned; reopen the store to learn the outcome.
  CommitResult Commit(const WriteBatch& batch, const CommitOptions& options = {});
  Status Sync();  // makes every acknowledged version durable; an error poisons the engine
  // For an engine that was opened with `read_only`: makes the newest version of the store the tip, which
  // another process may have committed since. Open views and iterators keep their versions. Does nothing in
  // an engine that can write. After an error the tip is as before. kBusy: the writer rolls the store back, or
  // changes it too fast. Otherwise the errors of Open.
  Status Refresh();
  // The newest version that readers see. After a read or a view has returned version V, version() answers V
  // or more, and a read that begins after an answer sees that version or a newer one, unless a rollback runs
  // in between. May wait while a commit is applied in memory, but never for a sync.
  Version version() const;
  // The newest version that is known to be durable. Never above version().
  Version durable_version() const;

  // The reads below take no lock, and wait only while a rollback replaces the index. They read the tip, or
  // `options.view`. They return only bytes whose checksum passed. kNotFound: that version has no such key.
  // kInvalidArgument: the key is empty or over 64 KiB. kCorruption: names the slot and the chunk, or the
  // index. The contents of `out` are undefined after an error.

  // The whole value and the version that wrote it.
  Result<Value> Get(std::string_view key, const ReadOptions& options = {});
  // Reads the whole value to the front of `out` and returns its length in bytes. kInvalidArgument: `out` is
  // too small; nothing is written, and the message names the length. The device writes directly to `out` if
  // `out` is 4096-aligned and has room for the length rounded up to 4096; bytes after the value may then be
  // overwritten.
  Result<uint64_t> GetInto(std::string_view key, Bytes out, const ReadOptions& options = {});
  // Reads the bytes [offset, offset + out.size()) of the value, or fewer at its end, and returns their
  // number: 0 if `offset` is at or past the end. Reads and verifies only the 256 KiB chunks that the range
  // touches.
  Result<uint64_t> GetRange(std::string_view key, uint64_t offset, Bytes out,
                            const ReadOptions& options = {});
  // One result for each key, in the order of `keys`. The reads of all keys share the device's queue. Returns
  // an empty vector if there is no memory for the results.
  std::vector<Result<Value>> MultiGet(std::span<const std::string_view> keys,
                                      const ReadOptions& options = {});
  // Reads each value as GetInto does. The reads of all keys share the device's queue. If `out` is too small,
  // the answer is kInvalidArgument with the length in `bytes`. If the memory of two reads overlaps, each
  // answer is kInvalidArgument, and nothing is read. Returns an empty vector if there is no memory for the
  // answers.
  std::vector<SessionAnswer> MultiGetInto(std::span<const SessionRead> reads,
                                          const ReadOptions& options = {});
  // Whether the key exists. Reads no payload.
  Result<bool> Exists(std::string_view key, const ReadOptions& options = {});
  // A session, which reads and commits without a thread that waits. The engine may have many. The first one
  // starts the threads that all share. kInvalidArgument: an option. kIoError: no thread or descriptor.
  Result<std::unique_ptr<Session>> OpenSession(const SessionOptions& options = {});
  // An iterator without a position, on `options.view` or on a view of the tip that it opens.
  Result<std::unique_ptr<Iterator>> NewIterator(const IteratorOptions& options = {});
  // Holds a version for reading. Without `version`, or at the tip, that is cheap. For an older version the
  // engine clones the nearest snapshot below it and replays the log: the time grows with the number of
  // versions between. It does that once for views of one version that are open at the same time or, in an
  // engine that can write, soon after each other. kVersionUnreachable: the version was never made, or is no
  // longer retained.
  Result<std::shared_ptr<const ReadView>> OpenView(std::optional<Version> version = std::nullopt);
  // About how much work OpenView(version) is, from the sizes of the log's segments. kVersionUnreachable.
  Result<ReplayEstimate> EstimateView(Version version);
  // Time and metadata of a retained version, or of a version that an open view holds. kVersionUnreachable.
  Result<CommitRecord> GetCommit(Version version);
  // Calls `fn` with the retained versions that `options` selects, newest first, until `fn` returns an error,
  // which is then returned. `fn` may call the engine. A prune or a rollback meanwhile shortens the rest.
  Status ReadHistory(const HistoryOptions& options, const HistoryFn& fn);
  // Calls `fn` with the keys that differ between two retained versions, in byte order, until `fn` returns an
  // error, which is then returned. `fn` may call the engine. Beyond the time of DiffOptions::way, it takes
  // memory for the keys that differ. kVersionUnreachable: a version was never made, or is no longer retained.
  Status Diff(const DiffOptions& options, const DiffFn& fn);
  // The newest retained version that was committed at or before `unix_ms`, in milliseconds since 1970, or an
  // older one if the clock was set back. kVersionUnreachable: all retained versions are newer.
  Result<Version> FindVersionAt(uint64_t unix_ms);

  // After kIoError or kNoSpace, each of the next five calls may have taken effect or not, and a power cut may
  // still undo it: repeat the call to reach a known state. In either case no acknowledged version is lost,
  // and no slot is reused that a retained version needs. Commits continue meanwhile.

  // Makes a durable snapshot of the tip and applies retention. Returns the version that the snapshot
  // contains. If the tip has a snapshot already, makes none.
  Result<Version> CreateSnapshot();
  // Removes a snapshot. If `current` names it, the engine first sets `current` to the newest other snapshot
  // from which the log leads to the tip. kFailedPrecondition: there is no such snapshot, it is pinned, or
  // there is no other one.
  Status DeleteSnapshot(Version version);
  // Removes unpinned snapshots, except the newest one and `keep` more (default: the settings), and frees the
  // log and the slots that nothing needs any more. Returns the versions of the removed snapshots; none while
  // a reader in another process could not open the store because of a prune, and tries again.
  Result<std::vector<Version>> Prune(std::optional<uint64_t> keep = std::nullopt);
  // Holds a version by name, and makes a snapshot of it if there is none: without `version` of the tip, else
  // as OpenView does. Returns the version. Idempotent. `name` has 1 to 255 bytes of printable UTF-8 without
  // '/' (kInvalidArgument). kFailedPrecondition: the name holds another version. kVersionUnreachable.
  Result<Version> Pin(const std::string& name, std::optional<Version> version = std::nullopt);
  // Removes a named pin and applies retention. kFailedPrecondition: there is no such pin.
  Status Unpin(const std::string& name);

  // Changes settings in STORE for good, and returns all of them. Setting::at_once shows which count at once,
  // the others count from the next open. kInvalidArgument: out of range. After an error STORE may be changed.
  Result<RuntimeSettings> ChangeSettings(const SettingsChange& change);
  // Forgets EngineInfo::given_up, for good. After an error it may be forgotten or not.
  Status AcknowledgeGivenUp();

  // Returns the store to `target`, durably and at one instant (invariant 6). The later versions are gone. A
  // rollback to the tip changes nothing and is never blocked. Concurrent calls run one after the other.
  // Commits that wait get kNotApplied. Reads and new views continue while the engine builds the index of
  // `target`; they wait only while it replaces the live index.
  //
  // kVersionUnreachable: no snapshot and log lead to `target`. kPoisoned: see above.
  // kFailedPrecondition: nothing has changed, because something blocks the rollback:
  //   - an open view of the tip, an export of the tip, or an iterator that was opened without a view. Each
  //     reads the live index, so it blocks whatever its version is, even if it was opened while the engine
  //     built the new index;
  //   - above `target`, an open view or export of an older version, or a lease of another process;
  //   - above `target`, a named pin, unless `drop_pins` is set.
  // kNoSpace: nothing has changed, because the store was opened on a full filesystem; make room and reopen.
  // kIoError, kNoSpace: before the instant the rollback is undone; after it, a recovery finishes it.
  // version() shows which happened. If that recovery fails, too, every call fails until the store is
  // reopened.
  Status Rollback(Version target, const RollbackOptions& options = {});
  // What Rollback would do now; changes nothing. Returns the errors of Rollback, but does not foresee a lack
  // of room. A blocked rollback is not an error: `blocked_by` names everything that blocks it.
  Result<RollbackPlan> PlanRollback(Version target, const RollbackOptions& options = {});

  // Writes the content of a version to a directory, from which ImportStore makes a store. Commits continue.
  // The directory may be absent, be empty (lost+found is allowed), or hold an unfinished export.
  // kVersionUnreachable. kFailedPrecondition: the directory holds something else, or its parent is missing.
  // kBusy: another export writes there. kInvalidArgument: `chunk_bytes`. kNoSpace. After a failure the
  // directory is empty, or is marked as an unfinished export, which the same call resumes: it keeps the
  // finished chunks if version and `chunk_bytes` are the same, and their checksums right.
  Status Export(const ExportOptions& options);

  // Reads and verifies everything that the store keeps: both superblocks, the log, all snapshots, and every
  // payload that a retained version names. Runs concurrently with every other call. Does not report a slot
  // that is freed or reused meanwhile. The file SCRUB keeps the place of a pass that was stopped or that a
  // crash ended, and the next run resumes there. kBusy: a run is under way. kFailedPrecondition: read-only.
  //
  // Runs one pass and returns its report, also if StopScrub ended it. Damage is not an error: see `findings`.
  Result<ScrubReport> Scrub(const ScrubOptions& options = {});
  // Starts a run in the background. It ends with the pass, with StopScrub or with Close.
  Status StartScrub(const ScrubOptions& options = {});
  // Ends the run under way, waits for it and returns its report; the report of the last run if there is none.
  ScrubReport StopScrub();
  // The report of the newest run, finished or not.
  ScrubReport scrub_report() const;

  // Discards every free slot of the device (BLKDISCARD, or holes in a file), also those that were never used.
  // Runs concurrently with every other call. Returns what was discarded. kNotSupported: the device cannot
  // discard. After an error a part of the free slots is discarded; repeat the call.
  Result<TrimReport> TrimDevice(const TrimOptions& options = {});

  // Uses a device that has become larger, or makes a device file larger first. Commits and reads continue,
  // and the new slots are free when the call returns. A growth is never undone: neither by a rollback nor by
  // a crash after the call has returned. kNotSupported: `capacity_bytes` for a block device.
  // kInvalidArgument: `capacity_bytes` is less than the device has, or is no multiple of 4096.
  // kFailedPrecondition: the device has become smaller. kNoSpace: nothing has changed, except perhaps the
  // size of the file. After another error the store may have grown; repeat the call, after a reopen if it
  // answers kPoisoned.
  Result<GrowReport> GrowDevice(const GrowOptions& options = {});

  // Writes a checkpoint of the tip to the device, durably, unless the newest one is of that version, and
  // returns the version. RebuildStore makes a store directory from it. Commits continue meanwhile.
  // kFailedPrecondition: the store was formatted without checkpoints (FormatOptions::meta_total_bytes).
  // kNoSpace: the index does not fit half of the region. kBusy: a rollback ended it; repeat the call. After
  // an error the newest checkpoint is the one before.
  Result<Version> WriteCheckpoint();

  // Identity, versions, space and health of the store.
  Result<EngineInfo> Info();
  // Counters since the open. Never fails.
  EngineStats stats() const;

 private:
  class Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace rawkv
