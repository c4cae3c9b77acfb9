#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "base/mutex.h"

namespace rawkv::stress {

// The engine call that each thread is in, and its begin. Thread-safe.
class CallBoard {
 public:
  explicit CallBoard(size_t threads);

  // Marks a call as under way during its lifetime.
  class Call {
   public:
    // `what` must be a literal. `argument` is a version or another number that explains the call.
    Call(CallBoard& board, size_t thread, const char* what, uint64_t argument = 0);
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    CallBoard& board_;
    const size_t thread_;
  };

  // The age of the oldest call under way in milliseconds; 0 if there is none.
  int64_t OldestMs() const;
  // The longest call so far: its name and its time.
  std::string Longest() const;
  // All calls under way, one line each.
  std::string Describe() const;

 private:
  struct Slot {
    std::atomic<const char*> what{nullptr};
    std::atomic<uint64_t> argument{0};
    std::atomic<int64_t> since_ms{0};
    std::atomic<int> thread_id{0};
  };
  const size_t threads_;
  const std::unique_ptr<Slot[]> slots_;
  std::atomic<int64_t> longest_ms_{0};
  std::atomic<const char*> longest_{"none"};
};

// Ends the process if a call takes longer than `limit_seconds`, after printing all calls under way and the
// stacks of all threads to standard error.
class Watchdog {
 public:
  Watchdog(const CallBoard& board, uint64_t limit_seconds, std::string run);
  ~Watchdog();

 private:
  void Watch();

  const CallBoard& board_;
  const uint64_t limit_seconds_;
  const std::string run_;  // how to repeat the run
  Mutex mu_;
  CondVar stopping_;
  bool stop_ RAWKV_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

// Prints the stacks of all threads to standard error: with gdb if it is installed, otherwise from a signal
// handler in each thread.
void DumpStacks();
// Installs signal handlers that print the calls under way and the stack when the process crashes. Does
// nothing under sanitizers, which print more.
void InstallCrashReport(const CallBoard* board);

}  // namespace rawkv::stress
