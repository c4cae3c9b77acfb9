#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "base/mutex.h"

namespace rawkv::stress {

// Which engine call each thread is in, and since when. Thread-safe.
class CallBoard {
 public:
  explicit CallBoard(size_t threads);

  // One call under way; made before it, destroyed after it.
  class Call {
   public:
    // `what` must be a literal. `argument` is a version or whatever else helps to understand the call.
    Call(CallBoard& board, size_t thread, const char* what, uint64_t argument = 0);
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    CallBoard& board_;
    const size_t thread_;
  };

  // How long the oldest call under way has taken, in milliseconds; 0 if there is none.
  int64_t OldestMs() const;
  // How long the longest call so far took, by name.
  std::string Longest() const;
  // All calls under way, a line each.
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

// Ends the process, with all calls under way and the stacks of all threads on standard error, once a call has
// taken longer than `limit_seconds`.
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

// The stacks of all threads to standard error: from gdb where it is installed, otherwise each thread prints
// its own from a signal handler.
void DumpStacks();
// A crash prints the calls under way and the stack before it ends the process (not under sanitizers, which
// print more).
void InstallCrashReport(const CallBoard* board);

}  // namespace rawkv::stress
