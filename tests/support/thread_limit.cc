#include "tests/support/thread_limit.h"

#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <limits>

namespace {

constexpr int64_t kUnlimitedThreads = std::numeric_limits<int64_t>::max();
std::atomic<int64_t> threads_left{kUnlimitedThreads};
std::atomic<uint64_t> refused_so_far{0};

}  // namespace

// Replaces the system's function for the program and every library that it loads.
extern "C" [[gnu::visibility("default")]] int pthread_create(pthread_t* thread,
                                                             const pthread_attr_t* attributes,
                                                             void* (*body)(void*), void* argument) noexcept {
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto create = reinterpret_cast<Create>(::dlsym(RTLD_NEXT, "pthread_create"));
  if (threads_left.load() != kUnlimitedThreads && threads_left.fetch_sub(1) <= 0) {
    refused_so_far.fetch_add(1);
    return EAGAIN;
  }
  return create(thread, attributes, body, argument);
}

namespace rawkv {

ThreadLimit::ThreadLimit(int64_t threads) {
  refused_so_far = 0;
  threads_left = threads;
}
ThreadLimit::~ThreadLimit() {
  threads_left = kUnlimitedThreads;
}
uint64_t ThreadLimit::refused() const {
  return refused_so_far.load();
}

}  // namespace rawkv
