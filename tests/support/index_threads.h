#pragma once

#include <cstdint>
#include <latch>

// RocksDB's background threads, which all databases of a process share.
namespace rawkv {

enum class IndexPool : uint8_t { kFlush, kCompaction };

// Holds the one thread of a pool. The constructor waits until the running work has ended, and nothing runs
// during the lifetime.
class HeldIndexPool {
 public:
  explicit HeldIndexPool(IndexPool pool);
  ~HeldIndexPool();
  HeldIndexPool(const HeldIndexPool&) = delete;
  HeldIndexPool& operator=(const HeldIndexPool&) = delete;

 private:
  std::latch held_{1}, release_{1}, finished_{1};
};

// Waits until the threads have nothing to do, except for operations that fail each time.
void AwaitIndexThreads();

}  // namespace rawkv
