#pragma once

#include <cstdint>

namespace rawkv {

// While it lives, the process can start only so many threads more; then pthread_create answers EAGAIN, for
// libraries as well. One at a time.
class ThreadLimit {
 public:
  explicit ThreadLimit(int64_t more);
  ~ThreadLimit();
  ThreadLimit(const ThreadLimit&) = delete;
  ThreadLimit& operator=(const ThreadLimit&) = delete;
  // Threads refused so far.
  uint64_t refused() const;
};

}  // namespace rawkv
