#pragma once

#include <atomic>
#include <functional>

#include "base/mutex.h"
#include "base/thread.h"
#include "engine/api/info.h"
#include "engine/checkpoint/checkpoint_schedule.h"
#include "engine/live/core.h"
#include "engine/live/engine_counters.h"
#include "engine/live/operation_gate.h"
#include "engine/live/poison.h"
#include "engine/read/views.h"
#include "engine/store/store_context.h"

namespace rawkv {

// Writes checkpoints of the index to the metadata region of the device (protocols: checkpoint steps 1 to 8).
//
//   1. A checkpoint is written from a view of the tip. Commits do not wait for it: it never holds the write
//      right, except to make a tip of the mode kUnsafeUnsynced durable.
//   2. The view is open until the checkpoint itself is a hold (CheckpointHalves), so no slot that the
//      checkpoint names is given out again in between.
//   3. Its version is durable before its header is written (invariant 8).
//   4. One is written at a time.
//
// Thread-safe, except Start, Stop and the destructor.
class Checkpointer {
 public:
  struct Parts {
    StoreContext& context;  // with checkpoints
    Core& core;
    Poison& poison;
    EngineCounters& counters;
    ViewRegistry& views;
    std::function<Result<OperationGate::Pass>()> enter;  // waits while a rollback has the gate shut
  };
  explicit Checkpointer(Parts parts);
  ~Checkpointer() { Stop(); }

  // Starts the thread that writes checkpoints by the schedule, unless the interval is 0. Without a thread,
  // for which it logs a warning, only Write writes them.
  void Start();
  // Ends the thread, and a checkpoint that it writes. Idempotent.
  void Stop();

  // Writes a checkpoint of the tip, unless the newest one is of that version, and returns the version. The
  // caller is inside the gate, or nobody else can be. kNoSpace: the index does not fit half of the region.
  // kBusy: a rollback or a close ended it; repeat the call after that. An error leaves the newest checkpoint
  // unchanged.
  Result<Version> Write();
  // For a commit that finds no free slot: writes a checkpoint of the tip, and lets go of the older one, so
  // that neither holds history. If none can be written, lets go of both, with a warning.
  Status LetGoOfHistory();

  // While this exists, no checkpoint is under way and none begins. The constructor ends the one under way and
  // waits for it. For what closes the index or must not meet the checkpoint's view.
  class Pause {
   public:
    explicit Pause(Checkpointer* checkpointer);  // null: does nothing
    ~Pause();
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

   private:
    Checkpointer* const checkpointer_;
  };

 private:
  void Run();
  void WriteIfDue(CheckpointSchedule* schedule);
  Result<Version> WriteLocked() RAWKV_REQUIRES(write_mu_);
  // The content and the header, from the open view.
  Status WriteHalf(int half, const EngineView& view) RAWKV_REQUIRES(write_mu_);
  Status MakeDurable(Version version);
  Status CheckNotPaused() const;
  // Lets commits have the device and the processor for a while, after a block that took so long.
  void GiveWay(uint64_t block_ns);
  // Poisons the engine if `failed` came from a flush of the device: then every later flush fails (invariant
  // 10).
  void NoteFailure(const Status& failed);

  const Parts parts_;
  Mutex write_mu_;  // one checkpoint at a time; taken before WriteRight
  std::atomic<int> paused_{0};
  std::atomic<int> waiting_commits_{0};  // that need the space that a checkpoint holds; then none gives way

  Mutex pace_mu_;  // a leaf
  CondVar pause_begins_;

  Mutex stop_mu_;
  CondVar stopping_;
  bool stop_ RAWKV_GUARDED_BY(stop_mu_) = false;
  bool started_ = false;
  Thread thread_;
};

}  // namespace rawkv
