#include "tools/quickstart_value_arena.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "base/check.h"
#include "base/unique_fd.h"

namespace rawkv::quickstart {
namespace {

constexpr uint64_t kMemoryBytesMax = 256ull << 20;
constexpr uint64_t kSmallestBytes = 1ull << 20;

}  // namespace

ValueArena::~ValueArena() {
  Release();
}

void ValueArena::Release() {
  if (base_ != nullptr) munmap(base_, capacity_);
  base_ = nullptr;
  capacity_ = 0;
}

Status ValueArena::Reset(uint64_t bytes) {
  used_ = 0;
  if (bytes <= capacity_ && capacity_ <= kMemoryBytesMax) return Status::Ok();
  Release();
  const uint64_t wanted = std::max(bytes, kSmallestBytes);
  UniqueFd fd;
  int flags = MAP_PRIVATE | MAP_ANONYMOUS;
  if (wanted > kMemoryBytesMax) {
    std::string path = spool_dir_ + "/values-XXXXXX";
    fd = UniqueFd(mkostemp(path.data(), O_CLOEXEC));
    if (!fd.valid()) return Status::FromErrno(errno, "a temporary file in " + spool_dir_);
    unlink(path.c_str());
    // Real blocks, or a full disk would be a SIGBUS later.
    if (const int error = posix_fallocate(fd.get(), 0, static_cast<off_t>(wanted)); error != 0) {
      return Status::FromErrno(error, "a temporary file in " + spool_dir_);
    }
    flags = MAP_SHARED;
  }
  void* mapped = mmap(nullptr, wanted, PROT_READ | PROT_WRITE, flags, fd.get(), 0);
  if (mapped == MAP_FAILED) return Status::FromErrno(errno, "mmap");
  base_ = static_cast<std::byte*>(mapped);
  capacity_ = wanted;
  return Status::Ok();
}

Bytes ValueArena::Take(uint64_t bytes) {
  RAWKV_CHECK(bytes <= capacity_ - used_, "more values than Reset was told of");
  const Bytes out(base_ + used_, bytes);
  used_ += bytes;
  return out;
}

}  // namespace rawkv::quickstart
