#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

// Clang's thread-safety attributes (-Wthread-safety); empty under other compilers.
#if defined(__clang__)
#define RAWKV_TSA(x) __attribute__((x))
#else
#define RAWKV_TSA(x)
#endif
#define RAWKV_CAPABILITY(x) RAWKV_TSA(capability(x))
#define RAWKV_SCOPED_CAPABILITY RAWKV_TSA(scoped_lockable)
#define RAWKV_GUARDED_BY(x) RAWKV_TSA(guarded_by(x))
#define RAWKV_PT_GUARDED_BY(x) RAWKV_TSA(pt_guarded_by(x))
#define RAWKV_REQUIRES(...) RAWKV_TSA(requires_capability(__VA_ARGS__))
#define RAWKV_ACQUIRE(...) RAWKV_TSA(acquire_capability(__VA_ARGS__))
#define RAWKV_RELEASE(...) RAWKV_TSA(release_capability(__VA_ARGS__))
#define RAWKV_TRY_ACQUIRE(...) RAWKV_TSA(try_acquire_capability(__VA_ARGS__))
#define RAWKV_RETURN_CAPABILITY(x) RAWKV_TSA(lock_returned(x))
#define RAWKV_EXCLUDES(...) RAWKV_TSA(locks_excluded(__VA_ARGS__))
#define RAWKV_NO_THREAD_SAFETY_ANALYSIS RAWKV_TSA(no_thread_safety_analysis)

namespace rawkv {

// std::mutex that clang's analysis understands.
class RAWKV_CAPABILITY("mutex") Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;
  void Lock() RAWKV_ACQUIRE() { mu_.lock(); }
  void Unlock() RAWKV_RELEASE() { mu_.unlock(); }
  bool TryLock() RAWKV_TRY_ACQUIRE(true) { return mu_.try_lock(); }

 private:
  friend class CondVar;
  std::mutex mu_;
};

class RAWKV_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mu) RAWKV_ACQUIRE(mu) : mu_(mu) { mu_.Lock(); }
  ~MutexLock() RAWKV_RELEASE() { mu_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mu_;
};

// A wait releases the mutex and takes it again before it returns. Spurious wake-ups happen, so wait in a
// loop.
class CondVar {
 public:
  void Wait(Mutex& mu) RAWKV_REQUIRES(mu) {
    std::unique_lock<std::mutex> lock(mu.mu_, std::adopt_lock);
    cv_.wait(lock);
    lock.release();
  }
  // False when `milliseconds` have passed without a notification.
  bool WaitForMs(Mutex& mu, int64_t milliseconds) RAWKV_REQUIRES(mu) {
    std::unique_lock<std::mutex> lock(mu.mu_, std::adopt_lock);
    const bool notified =
        cv_.wait_for(lock, std::chrono::milliseconds(milliseconds)) == std::cv_status::no_timeout;
    lock.release();
    return notified;
  }
  void NotifyOne() { cv_.notify_one(); }
  void NotifyAll() { cv_.notify_all(); }

 private:
  std::condition_variable cv_;
};

}  // namespace rawkv
