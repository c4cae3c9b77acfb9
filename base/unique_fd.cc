#include "base/unique_fd.h"

#include <unistd.h>

namespace rawkv {

void UniqueFd::Reset() {
  // Not repeated on EINTR: Linux has released the number by then, and another thread may own it.
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

}  // namespace rawkv
