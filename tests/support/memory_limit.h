#pragma once

#include <cstdint>

namespace rawkv {

// While it lives, the calling thread gets only so many allocations more from operator new; then each throws
// std::bad_alloc. Allocations inside RocksDB and Protobuf neither count nor fail: neither library promises
// to survive that.
class AllocationLimit {
 public:
  explicit AllocationLimit(uint64_t more);
  ~AllocationLimit();
  AllocationLimit(const AllocationLimit&) = delete;
  AllocationLimit& operator=(const AllocationLimit&) = delete;
  // Whether an allocation has failed.
  bool reached() const;
};

}  // namespace rawkv
