#pragma once

#include <atomic>
#include <functional>

#include "base/worker_thread.h"
#include "engine/live/operation_gate.h"
#include "engine/maintenance/maintenance.h"

namespace rawkv {

// Makes a snapshot of each height, a version that is a multiple of snapshot_interval, and one of the tip
// after snapshot_log_bytes of log, or while slots are scarce (protocols: snapshot steps 14 to 17). Retention
// does not count those for the log.
//
//   1. A commit round ends at each height. There the leader freezes the memtable, unless a snapshot is under
//      way, so that the index flush holds exactly that version.
//   2. A height that was not frozen is made from a clone of that version.
//   3. Only the newest height at or below the tip is made from a clone. So a store whose snapshots take
//      longer than an interval skips heights, and does not fall behind.
//   4. Each height is tried once in one open, so that a full filesystem is not asked by each commit.
//
// Thread-safe, except Start and Stop.
class AutomaticSnapshots {
 public:
  struct Parts {
    StoreContext& context;
    Core& core;
    Poison& poison;
    EngineCounters& counters;
    Maintenance& maintenance;
    std::function<Result<OperationGate::Pass>()> enter;  // waits while a rollback has the gate shut
  };
  explicit AutomaticSnapshots(Parts parts) : parts_(std::move(parts)) {}

  // `newest` is the newest snapshot. kIoError: the system refuses another thread.
  Status Start(Version newest);
  // Waits until the snapshots that are due are made. Nobody commits meanwhile.
  void Finish();
  // Finish, and ends the thread.
  void Stop();

  // The version with which the commit round under way must end, above the tip; kMaxVersion: none.
  Version NextHeight() const;
  // A commit round has ended at NextHeight.
  void AtHeight(Version height) RAWKV_REQUIRES(parts_.core.write_right());
  // Requests a snapshot if one is due. Needs no lock.
  void AfterCommit();
  // The index was replaced by that of an older version. The gate is shut.
  void AfterRollback();

 private:
  // The newest height at or below the tip that was not tried yet; absent: none.
  std::optional<Version> DueHeight() const;
  // Why a snapshot of the tip is due; absent: none is.
  std::optional<Maintenance::SnapshotCause> WhyTipIsDue() const;
  Status MakeDue();
  Status MakeHeight(Version height, Maintenance::IndexFlush flush);

  const Parts parts_;
  WorkerThread task_{[this] { return MakeDue(); }};
  bool started_ = false;
  std::atomic<uint64_t> tried_height_{0};
  std::atomic<uint64_t> last_tried_{0};    // newest version of which a snapshot was tried
  std::atomic<uint64_t> last_counted_{0};  // the same of those that retention counts
  // EngineCounters::log_bytes_written when a snapshot of the tip was tried last; 0: never. A failed attempt
  // counts, too, so that on a full filesystem not every commit tries again.
  std::atomic<uint64_t> tried_log_bytes_{0};
  std::atomic<uint64_t> frozen_{0};  // the height that waits for the thread; 0: none
  std::atomic<bool> busy_{false};    // the thread makes a snapshot
};

}  // namespace rawkv
