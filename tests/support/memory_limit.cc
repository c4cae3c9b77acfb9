#include "tests/support/memory_limit.h"

#include <execinfo.h>
#include <link.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

namespace {

constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();
thread_local uint64_t more = kNoLimit;
thread_local bool failed = false;

// Address ranges of the libraries in which allocations may not fail. The first limit fills them.
std::array<std::pair<uintptr_t, uintptr_t>, 16> exempt;
size_t exempt_count = 0;

int AddExemptLibrary(dl_phdr_info* info, size_t /*size*/, void* /*unused*/) {
  if (std::strstr(info->dlpi_name, "librocksdb") == nullptr &&
      std::strstr(info->dlpi_name, "libprotobuf") == nullptr) {
    return 0;
  }
  for (int i = 0; i < info->dlpi_phnum && exempt_count < exempt.size(); ++i) {
    const ElfW(Phdr)& segment = info->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
    const uintptr_t begin = info->dlpi_addr + segment.p_vaddr;
    exempt[exempt_count++] = {begin, begin + segment.p_memsz};
  }
  return 0;
}

bool CalledFromExemptLibrary() {
  std::array<void*, 64> frames;
  const int depth = ::backtrace(frames.data(), static_cast<int>(frames.size()));
  for (int i = 0; i < depth; ++i) {
    const auto at = reinterpret_cast<uintptr_t>(frames[static_cast<size_t>(i)]);
    for (size_t e = 0; e < exempt_count; ++e) {
      if (at >= exempt[e].first && at < exempt[e].second) return true;
    }
  }
  return false;
}

bool CountAndCheckLimit() {
  if (more == kNoLimit) return false;
  const uint64_t left = std::exchange(more, kNoLimit);  // backtrace itself may allocate
  const bool counts = !CalledFromExemptLibrary();
  more = counts && left != 0 ? left - 1 : left;
  if (!counts || left != 0) return false;
  failed = true;
  return true;
}

void* Allocate(size_t bytes, size_t alignment) {
  if (CountAndCheckLimit()) return nullptr;
  if (alignment <= alignof(std::max_align_t)) return std::malloc(bytes == 0 ? 1 : bytes);
  return std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}

void* AllocateOrThrow(size_t bytes, size_t alignment) {
  if (void* const memory = Allocate(bytes, alignment)) return memory;
  throw std::bad_alloc();
}

}  // namespace

// These replace the library's operators in the whole program. The array forms call them.
void* operator new(size_t bytes) {
  return AllocateOrThrow(bytes, 1);
}
void* operator new(size_t bytes, std::align_val_t alignment) {
  return AllocateOrThrow(bytes, static_cast<size_t>(alignment));
}
void* operator new(size_t bytes, const std::nothrow_t& /*unused*/) noexcept {
  return Allocate(bytes, 1);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t /*bytes*/) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t /*alignment*/) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t /*bytes*/, std::align_val_t /*alignment*/) noexcept {
  std::free(memory);
}

namespace rawkv {

AllocationLimit::AllocationLimit(uint64_t allocations) {
  if (exempt_count == 0) ::dl_iterate_phdr(AddExemptLibrary, nullptr);
  failed = false;
  more = allocations;
}
AllocationLimit::~AllocationLimit() {
  more = kNoLimit;
}
bool AllocationLimit::reached() const {
  return failed;
}

}  // namespace rawkv
