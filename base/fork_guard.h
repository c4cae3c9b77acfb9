#pragma once

#include <sys/types.h>

#include <atomic>

namespace rawkv {

// Knows whether the process has been forked since the guard was made. A forked process has copies of the
// memory and the descriptors, but none of the threads: waiting for one of them would never end, and what
// they had begun is the parent's to finish. Thread-safe; forked() costs one load from memory.
class ForkGuard {
 public:
  ForkGuard();
  ~ForkGuard();
  ForkGuard(const ForkGuard&) = delete;
  ForkGuard& operator=(const ForkGuard&) = delete;

  // True in a process that was forked from the one that made the guard, directly or not.
  bool forked() const;
  // The process that made the guard.
  pid_t owner() const { return owner_; }

 private:
  const pid_t owner_;
  // On a page that the kernel wipes in a forked process. Null where the kernel cannot (before 4.14).
  std::atomic<int>* const here_;
};

}  // namespace rawkv
