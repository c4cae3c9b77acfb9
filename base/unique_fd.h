#pragma once

#include <string>
#include <utility>

namespace rawkv {

// Owns a file descriptor.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  ~UniqueFd() { Reset(); }
  UniqueFd(UniqueFd&& o) noexcept : fd_(std::exchange(o.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& o) noexcept {
    if (this != &o) {
      Reset();
      fd_ = std::exchange(o.fd_, -1);
    }
    return *this;
  }
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  void Reset();  // closes; ignores the error, since writers have synced before

 private:
  int fd_ = -1;
};

// Calls open(2) with O_CLOEXEC, and retries EINTR, which network filesystems and slow devices return. If the
// result is not valid, errno holds the reason.
UniqueFd OpenUninterrupted(const std::string& path, int flags, unsigned mode = 0);

}  // namespace rawkv
