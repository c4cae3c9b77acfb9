#pragma once

#include <cstdint>
#include <latch>

// RocksDB's own threads, which all databases of a process share.
namespace rawkv {

enum class IndexPool : uint8_t { kFlush, kCompaction };

// Holds the one worker of a pool: what ran when it was made has ended, and nothing runs while it lives.
class HeldIndexPool {
 public:
  explicit HeldIndexPool(IndexPool pool);
  ~HeldIndexPool();
  HeldIndexPool(const HeldIndexPool&) = delete;
  HeldIndexPool& operator=(const HeldIndexPool&) = delete;

 private:
  std::latch held_{1}, let_go_{1}, gone_{1};
};

// Waits until they have nothing to do, or nothing but what fails each time.
void AwaitIndexThreads();

}  // namespace rawkv
