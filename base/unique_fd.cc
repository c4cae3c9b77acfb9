#include "base/unique_fd.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace rawkv {

void UniqueFd::Reset() {
  // Does not retry EINTR: Linux has released the number by then, and another thread may own it.
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

UniqueFd OpenUninterrupted(const std::string& path, int flags, unsigned mode) {
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  return UniqueFd(fd);
}

}  // namespace rawkv
