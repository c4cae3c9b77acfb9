#pragma once

#include <sys/types.h>

#include <atomic>

namespace rawkv {

// Detects whether the process was forked after the guard was made. A forked process has copies of the memory
// and of the descriptors, but no other threads. It must not wait for a thread, since that wait would never
// end, and it must leave unfinished work to the parent. Thread-safe; forked() costs one load from memory.
class ForkGuard {
 public:
  ForkGuard();
  ~ForkGuard();
  ForkGuard(const ForkGuard&) = delete;
  ForkGuard& operator=(const ForkGuard&) = delete;

  // True in a process that descends by fork from the one that made the guard.
  bool forked() const;
  // The process that made the guard.
  pid_t owner() const { return owner_; }

 private:
  const pid_t owner_;
  // A flag on a page that the kernel clears in a forked process. Null if the kernel cannot do that
  // (before 4.14).
  std::atomic<int>* const here_;
};

}  // namespace rawkv
