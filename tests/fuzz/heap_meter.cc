#include "tests/fuzz/heap_meter.h"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace rawkv::fuzz {
namespace {

// Counts only this thread, because RocksDB's threads outlive the making of the seeds.
thread_local int64_t held_bytes = 0;
thread_local int64_t peak_bytes = 0;

}  // namespace

void StartHeapMeter() {
  held_bytes = peak_bytes = 0;
}

uint64_t HeapPeakBytes() {
  return static_cast<uint64_t>(std::max<int64_t>(peak_bytes, 0));
}

void* CountedNew(size_t size, size_t alignment) {
  void* const memory = alignment == 0 ? std::malloc(size) : std::aligned_alloc(alignment, size);
  if (memory != nullptr) {
    held_bytes += static_cast<int64_t>(malloc_usable_size(memory));
    peak_bytes = std::max(peak_bytes, held_bytes);
  }
  return memory;
}

void* CountedNewOrThrow(size_t size, size_t alignment) {
  void* const memory = CountedNew(size, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void CountedDelete(void* memory) {
  if (memory != nullptr) held_bytes -= static_cast<int64_t>(malloc_usable_size(memory));
  std::free(memory);
}

size_t RoundedUp(size_t size, std::align_val_t alignment) {
  const auto step = static_cast<size_t>(alignment);
  return (size + step - 1) / step * step;
}

}  // namespace rawkv::fuzz

using rawkv::fuzz::CountedDelete;
using rawkv::fuzz::CountedNew;
using rawkv::fuzz::CountedNewOrThrow;
using rawkv::fuzz::RoundedUp;

// The other forms of the standard library call these.
void* operator new(size_t size) {
  return CountedNewOrThrow(std::max<size_t>(size, 1), 0);
}
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return CountedNew(std::max<size_t>(size, 1), 0);
}
void* operator new(size_t size, std::align_val_t alignment) {
  return CountedNewOrThrow(RoundedUp(size, alignment), static_cast<size_t>(alignment));
}
void operator delete(void* memory) noexcept {
  CountedDelete(memory);
}
void operator delete(void* memory, size_t) noexcept {
  CountedDelete(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  CountedDelete(memory);
}
void operator delete(void* memory, size_t, std::align_val_t) noexcept {
  CountedDelete(memory);
}
