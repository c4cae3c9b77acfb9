#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "base/mutex.h"

namespace rawkv {

// Tells when the readers that were under way have left, without a lock in their path.
//
//   1. A slot goes back to use only after WaitForReaders: whoever looked the slot up before its index
//      entry went has finished reading it (invariant 2).
//   2. While closed, no reader is inside and newcomers wait: a rollback swaps the index then.
//
// Readers: Guard. Thread-safe throughout.
class ReaderEpochs {
 public:
  class Guard {
   public:
    explicit Guard(ReaderEpochs& epochs) : epochs_(epochs), slot_(epochs.Enter()) {}
    ~Guard() { epochs_.Leave(slot_); }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

   private:
    ReaderEpochs& epochs_;
    std::atomic<int64_t>* const slot_;
  };

  // Returns when every reader that was inside at the call has left. Newcomers go on.
  void WaitForReaders();
  // Keeps newcomers out and returns when nobody is inside; Reopen lets them in.
  void Close();
  void Reopen();

 private:
  static constexpr size_t kShards = 16;
  struct alignas(64) Shard {
    std::array<std::atomic<int64_t>, 2> inside{};
  };

  std::atomic<int64_t>* Enter();
  void Leave(std::atomic<int64_t>* slot);
  bool AnyInside(size_t parity) const;
  void Drain(size_t parity);

  std::array<Shard, kShards> shards_;
  std::atomic<uint64_t> epoch_{0};
  std::atomic<bool> closed_{false};
  std::atomic<int> waiting_{0};  // drains under way: readers that leave then must notify
  Mutex advance_mu_;             // one WaitForReaders or Close at a time
  Mutex mu_;
  CondVar changed_;
};

}  // namespace rawkv
