#pragma once

#include <cstdint>
#include <utility>

#include "base/mutex.h"
#include "base/result.h"

namespace rawkv {

// Keeps operations out while a rollback or a close needs the log, the index and the store's directory for
// itself.
//
//   1. While the gate is shut, no operation is inside.
//   2. An operation that is inside never enters again: it would wait for a rollback that waits for it.
//
// Reads and views of the tip do not pass the gate; ReaderEpochs keeps them out while a rollback replaces the
// index. Lock order: the gate comes before every mutex that an operation takes. Thread-safe.
class OperationGate {
 public:
  // An operation inside the gate. It leaves when the pass is destroyed.
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

  // Waits while the gate is shut. After Close returns the reason of Close.
  Result<Pass> Enter();
  // Returns the reason of Shut instead of waiting. For commits, which a rollback would undo.
  Result<Pass> EnterUnlessShut();

  // The gate is shut while this object exists. One at a time. The constructor returns when nobody is inside.
  class Shut {
   public:
    Shut(OperationGate& gate, const Status& reason) : gate_(gate) { gate_.ShutFor(reason); }
    ~Shut() { gate_.Reopen(); }
    Shut(const Shut&) = delete;
    Shut& operator=(const Shut&) = delete;

   private:
    OperationGate& gate_;
  };

  // Refuses all later operations with `reason`. Returns when nobody is inside.
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
