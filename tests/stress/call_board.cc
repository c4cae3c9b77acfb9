#include "tests/stress/call_board.h"

#include <execinfo.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "tests/support/sanitized.h"

namespace rawkv::stress {
namespace {

constexpr int kMaxFrames = 64;

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

int ThreadId() {
  thread_local const int id = static_cast<int>(syscall(SYS_gettid));
  return id;
}

void PrintOwnStack(int) {
  void* frames[kMaxFrames];
  dprintf(STDERR_FILENO, "thread %d:\n", static_cast<int>(syscall(SYS_gettid)));
  backtrace_symbols_fd(frames, backtrace(frames, kMaxFrames), STDERR_FILENO);
}

bool DumpWithGdb() {
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
  const std::string command = "command -v gdb >/dev/null && timeout 120 gdb -nx -batch -p " +
                              std::to_string(getpid()) +
                              " -ex 'set pagination off' -ex 'set print frame-arguments scalars'"
                              " -ex 'thread apply all backtrace 40' 1>&2 2>/dev/null";
  return std::system(command.c_str()) == 0;
}

void DumpWithSignals() {
  struct sigaction action = {};
  action.sa_handler = PrintOwnStack;
  sigaction(SIGUSR2, &action, nullptr);
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task", ignored)) {
    syscall(SYS_tgkill, getpid(), std::atoi(entry.path().filename().c_str()), SIGUSR2);
    // Gives each handler time to write to standard error, so that the stacks do not mix. A thread that cannot
    // run its handler is skipped.
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

std::atomic<const CallBoard*> crash_board{nullptr};

void ReportCrash(int signal_number) {
  signal(signal_number, SIG_DFL);
  dprintf(STDERR_FILENO, "rawkv-stress: signal %d\n", signal_number);
  PrintOwnStack(signal_number);
  if (const CallBoard* board = crash_board.load()) {
    // Describe() is not async-signal-safe, but the process ends anyway.
    dprintf(STDERR_FILENO, "calls under way:\n%s", board->Describe().c_str());
  }
  raise(signal_number);
}

}  // namespace

CallBoard::CallBoard(size_t threads) : threads_(threads), slots_(new Slot[threads]) {}

CallBoard::Call::Call(CallBoard& board, size_t thread, const char* what, uint64_t argument)
    : board_(board), thread_(thread) {
  Slot& slot = board_.slots_[thread_];
  slot.thread_id = ThreadId();
  slot.argument = argument;
  slot.since_ms = NowMs();
  slot.what = what;
}

CallBoard::Call::~Call() {
  Slot& slot = board_.slots_[thread_];
  const int64_t took = NowMs() - slot.since_ms;
  const char* what = slot.what.exchange(nullptr);
  int64_t longest = board_.longest_ms_;
  while (took > longest && !board_.longest_ms_.compare_exchange_weak(longest, took)) {
  }
  if (took > longest) board_.longest_ = what;
}

int64_t CallBoard::OldestMs() const {
  int64_t oldest = 0;
  for (size_t i = 0; i < threads_; ++i) {
    const int64_t since = slots_[i].since_ms;
    if (slots_[i].what.load() != nullptr) oldest = std::max(oldest, NowMs() - since);
  }
  return oldest;
}

std::string CallBoard::Longest() const {
  return std::string(longest_.load()) + " " + std::to_string(longest_ms_.load()) + " ms";
}

std::string CallBoard::Describe() const {
  std::string out;
  for (size_t i = 0; i < threads_; ++i) {
    const char* what = slots_[i].what;
    if (what == nullptr) continue;
    out += "  worker " + std::to_string(i) + ", thread " + std::to_string(slots_[i].thread_id.load()) + ": " +
           what + "(" + std::to_string(slots_[i].argument.load()) + ") for " +
           std::to_string(NowMs() - slots_[i].since_ms) + " ms\n";
  }
  return out;
}

Watchdog::Watchdog(const CallBoard& board, uint64_t limit_seconds, std::string run)
    : board_(board), limit_seconds_(limit_seconds), run_(std::move(run)), thread_([this] { Watch(); }) {}

Watchdog::~Watchdog() {
  {
    MutexLock lock(mu_);
    stop_ = true;
    stopping_.NotifyAll();
  }
  thread_.join();
}

void Watchdog::Watch() {
  MutexLock lock(mu_);
  while (!stop_) {
    (void)stopping_.WaitForMs(mu_, 250);
    if (board_.OldestMs() <= static_cast<int64_t>(limit_seconds_ * 1000)) continue;
    std::fflush(stdout);
    std::fprintf(
        stderr,
        "VIOLATION: a call took longer than %llu s (%s)\ncalls under way:\n%sstacks of all threads:\n",
        static_cast<unsigned long long>(limit_seconds_), run_.c_str(), board_.Describe().c_str());
    DumpStacks();
    std::fprintf(stderr, "rawkv-stress: ended by the watchdog: a call took longer than %llu s\n",
                 static_cast<unsigned long long>(limit_seconds_));
    signal(SIGABRT, SIG_DFL);
    std::abort();
  }
}

void DumpStacks() {
  if (!DumpWithGdb()) DumpWithSignals();
}

void InstallCrashReport(const CallBoard* board) {
  crash_board = board;
  if (kSanitized) return;
  for (const int signal_number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
    signal(signal_number, ReportCrash);
  }
}

}  // namespace rawkv::stress
