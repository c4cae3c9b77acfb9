#pragma once

#include <cstdint>
#include <utility>

#include "base/mutex.h"
#include "base/result.h"

namespace rawkv {

// Gives a rollback, and the close of the store, the log, the index and the store's directory to itself.
//
//   1. While the gate is shut, no operation is inside.
//   2. An operation that is inside never enters again: it would wait for a rollback that waits for it.
//
// Reads and views of the tip do not pass here; ReaderEpochs holds them back while a rollback swaps the index.
// Lock order: the gate comes before every mutex that an operation takes. Thread-safe.
class OperationGate {
 public:
  // An operation inside the gate; leaves when it is destroyed.
  class Pass {
   public:
    explicit Pass(OperationGate* gate) : gate_(gate) {}
    Pass(Pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    Pass& operator=(Pass&&) = delete;
    ~Pass() {
      if (gate_ != nullptr) gate_->Leave();
    }

   private:
    OperationGate* gate_;
  };

  // Waits while a rollback has the gate shut. The reason of Close once that was called.
  Result<Pass> Enter();
  // Refused with the rollback's reason instead of waiting: for commits, which a rollback would undo.
  Result<Pass> EnterUnlessShut();

  // Shut while it lives; one at a time. The constructor returns when nobody is inside.
  class Shut {
   public:
    Shut(OperationGate& gate, const Status& reason) : gate_(gate) { gate_.ShutFor(reason); }
    ~Shut() { gate_.Reopen(); }
    Shut(const Shut&) = delete;
    Shut& operator=(const Shut&) = delete;

   private:
    OperationGate& gate_;
  };

  // Refuses newcomers for good with `reason`; returns when nobody is inside.
  void Close(const Status& reason);

 private:
  void ShutFor(const Status& reason);
  void Reopen();
  void Leave();
  Pass Admit() RAWKV_REQUIRES(mu_);
  void WaitUntilEmpty() RAWKV_REQUIRES(mu_);

  Mutex mu_;
  CondVar changed_;
  uint64_t inside_ RAWKV_GUARDED_BY(mu_) = 0;
  Status shut_ RAWKV_GUARDED_BY(mu_);    // ok: open
  Status closed_ RAWKV_GUARDED_BY(mu_);  // ok: not closed
};

}  // namespace rawkv
