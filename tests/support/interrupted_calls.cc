#include "tests/support/interrupted_calls.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <mutex>
#include <vector>

#include "tests/support/split_mix.h"

namespace rawkv {
namespace {

constexpr uint64_t kBlock = 4096;
constexpr int kMostInARow = 3;

std::atomic<bool> on{false};
std::mutex mu;  // guards both
uint64_t state = 0;
std::map<std::string, uint64_t>& Counts() {
  static auto& counts = *new std::map<std::string, uint64_t>;
  return counts;
}

enum class Answer : uint8_t { kReal, kInterrupted, kNotNow, kShort };

Answer Decide(const char* call, uint64_t bytes, bool may_not_now) {
  thread_local int in_a_row = 0;
  if (!on) return Answer::kReal;
  const std::lock_guard lock(mu);
  Answer answer = Answer::kReal;
  if (const uint64_t chance = SplitMix64(state += kSplitMixStep) % 12; chance == 0) {
    answer = Answer::kInterrupted;
  } else if (chance == 1 && may_not_now) {
    answer = Answer::kNotNow;
  } else if (chance <= 3 && bytes > 1) {
    answer = Answer::kShort;
  }
  if (answer == Answer::kReal || ++in_a_row > kMostInARow) {
    in_a_row = 0;
    return Answer::kReal;
  }
  ++Counts()[std::string(call) + (answer == Answer::kInterrupted ? " EINTR"
                                  : answer == Answer::kNotNow    ? " EAGAIN"
                                                                 : " short")];
  return answer;
}

ssize_t Transfer(const char* call, long number, int fd, void* bytes, size_t count, off_t offset,
                 bool may_not_now) {
  const Answer answer = Decide(call, count, may_not_now);
  if (answer == Answer::kInterrupted || answer == Answer::kNotNow) {
    errno = answer == Answer::kInterrupted ? EINTR : EAGAIN;
    return -1;
  }
  if (answer == Answer::kReal) return ::syscall(number, fd, bytes, count, offset);
  if (count % kBlock != 0) return ::syscall(number, fd, bytes, count / 2, offset);
  if (count >= 2 * kBlock) return ::syscall(number, fd, bytes, count / 2 / kBlock * kBlock, offset);
  // Direct I/O moves a single block as a whole: the caller gets half of it as the result.
  const ssize_t moved = ::syscall(number, fd, bytes, count, offset);
  const ssize_t returned = moved > 1 ? moved / 2 : moved;
  if (number == SYS_pread64 && moved > returned) {
    std::memset(static_cast<char*>(bytes) + returned, 0xEE, static_cast<size_t>(moved - returned));
  }
  return returned;
}

}  // namespace

InterruptedCalls::InterruptedCalls(uint64_t seed) {
  const std::lock_guard lock(mu);
  state = seed;
  Counts().clear();
  on = true;
}

InterruptedCalls::~InterruptedCalls() {
  on = false;
}

std::map<std::string, uint64_t> InterruptedCalls::counts() const {
  const std::lock_guard lock(mu);
  return Counts();
}

int64_t InterruptionFor(const char* call, uint64_t bytes) {
  switch (Decide(call, bytes, true)) {
    case Answer::kReal:
      return 0;
    case Answer::kInterrupted:
      return -EINTR;
    case Answer::kNotNow:
      return -EAGAIN;
    case Answer::kShort:
      break;
  }
  return static_cast<int64_t>(bytes >= 2 * kBlock ? bytes / 2 / kBlock * kBlock : bytes / 2);
}

}  // namespace rawkv

using rawkv::Answer;

#define EXPORTED __attribute__((visibility("default")))

extern "C" {

// Calls of the engine.
ssize_t __wrap_pread(int fd, void* bytes, size_t count, off_t offset) {
  return rawkv::Transfer("pread", SYS_pread64, fd, bytes, count, offset, true);
}
ssize_t __wrap_pwrite(int fd, const void* bytes, size_t count, off_t offset) {
  return rawkv::Transfer("pwrite", SYS_pwrite64, fd, const_cast<void*>(bytes), count, offset, true);
}
int __wrap_open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0) {
    va_list rest;
    va_start(rest, flags);
    mode = va_arg(rest, mode_t);
    va_end(rest);
  }
  if (rawkv::Decide("open", 0, false) == Answer::kInterrupted) {
    errno = EINTR;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}
int __wrap_ftruncate(int fd, off_t size) {
  if (rawkv::Decide("ftruncate", 0, false) == Answer::kInterrupted) {
    errno = EINTR;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_ftruncate, fd, size));
}
int __wrap_flock(int fd, int operation) {
  // Releasing a lock cannot be interrupted.
  if (operation != LOCK_UN && rawkv::Decide("flock", 0, false) == Answer::kInterrupted) {
    errno = EINTR;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_flock, fd, operation));
}

// Calls of RocksDB.
EXPORTED ssize_t pread(int fd, void* bytes, size_t count, off_t offset) {
  return rawkv::Transfer("index pread", SYS_pread64, fd, bytes, count, offset, false);
}
EXPORTED ssize_t pwrite(int fd, const void* bytes, size_t count, off_t offset) {
  return rawkv::Transfer("index pwrite", SYS_pwrite64, fd, const_cast<void*>(bytes), count, offset, false);
}
EXPORTED ssize_t write(int fd, const void* bytes, size_t count) {
  // The test itself uses the standard streams.
  const Answer answer = fd <= 2 ? Answer::kReal : rawkv::Decide("index write", count, false);
  if (answer == Answer::kInterrupted) {
    errno = EINTR;
    return -1;
  }
  return ::syscall(SYS_write, fd, bytes, answer == Answer::kShort ? count / 2 : count);
}

}  // extern "C"
