#include "base/fork_guard.h"

#include <sys/mman.h>
#include <unistd.h>

#include <new>

namespace rawkv {
namespace {

constexpr size_t kPageBytes = 4096;

std::atomic<int>* MakeWipedFlag() {
  void* const page = ::mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return nullptr;
  if (::madvise(page, kPageBytes, MADV_WIPEONFORK) == 0) return new (page) std::atomic<int>(1);
  ::munmap(page, kPageBytes);
  return nullptr;
}

}  // namespace

ForkGuard::ForkGuard() : owner_(::getpid()), here_(MakeWipedFlag()) {}

ForkGuard::~ForkGuard() {
  if (here_ != nullptr) ::munmap(here_, kPageBytes);
}

bool ForkGuard::forked() const {
  return here_ != nullptr ? here_->load(std::memory_order_relaxed) == 0 : ::getpid() != owner_;
}

}  // namespace rawkv
