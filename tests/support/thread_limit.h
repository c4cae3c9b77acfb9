#pragma once

#include <cstdint>

namespace rawkv {

// During its lifetime the process can start only `more` further threads. Then pthread_create returns EAGAIN,
// for libraries as well. Only one object may exist at a time.
class ThreadLimit {
 public:
  explicit ThreadLimit(int64_t more);
  ~ThreadLimit();
  ThreadLimit(const ThreadLimit&) = delete;
  ThreadLimit& operator=(const ThreadLimit&) = delete;
  // Number of refused threads so far.
  uint64_t refused() const;
};

}  // namespace rawkv
