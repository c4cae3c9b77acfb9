#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>

#include "base/mutex.h"

namespace rawkv {

// Waits until the readers that are under way have left. A reader takes no lock.
//
//   1. A slot is given out again only after WaitForReaders: every reader that found the slot in the index has
//      then finished (invariant 2).
//   2. While the epochs are closed, no reader is inside, and later readers wait. A rollback replaces the
//      index then.
//
// A reader holds a Guard. A guard may be destroyed on another thread than the one that made it.
// Thread-safe.
class ReaderEpochs {
 public:
  class Guard {
   public:
    explicit Guard(ReaderEpochs& epochs) : epochs_(epochs), slot_(epochs.Enter()) {}
    // Does not wait: inside() is false if the epochs are closed.
    Guard(ReaderEpochs& epochs, std::try_to_lock_t) : epochs_(epochs), slot_(epochs.TryEnter()) {}
    ~Guard() {
      if (slot_ != nullptr) epochs_.Leave(slot_);
    }
    bool inside() const { return slot_ != nullptr; }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

   private:
    ReaderEpochs& epochs_;
    std::atomic<int64_t>* const slot_;
  };

  // Returns when every reader that was inside at the call has left. Does not stop later readers.
  void WaitForReaders();
  // Makes later readers wait until Reopen, and returns when nobody is inside.
  void Close();
  void Reopen();

  // Sets what a thread calls while it waits for readers, once a millisecond and without a lock of this class
  // but one: `help` finishes the readers that no other thread finishes. It must not wait for anything. Empty:
  // nothing, and no call of the earlier one is under way any more.
  void SetHelp(std::function<void()> help);

 private:
  static constexpr size_t kShards = 16;
  struct alignas(64) Shard {
    std::array<std::atomic<int64_t>, 2> inside{};
  };

  std::atomic<int64_t>* Enter();
  std::atomic<int64_t>* TryEnter();
  void Leave(std::atomic<int64_t>* slot);
  bool AnyInside(size_t parity) const;
  void Drain(size_t parity);
  bool Help();

  std::array<Shard, kShards> shards_;
  std::atomic<uint64_t> epoch_{0};
  std::atomic<bool> closed_{false};
  std::atomic<int> waiting_{0};  // drains under way; a reader that leaves meanwhile must notify
  Mutex advance_mu_;             // one WaitForReaders or Close at a time
  Mutex help_mu_;
  std::function<void()> help_ RAWKV_GUARDED_BY(help_mu_);
  Mutex mu_;
  CondVar changed_;
};

}  // namespace rawkv
