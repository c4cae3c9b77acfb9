#pragma once

#include <cstdint>

namespace rawkv {

// During its lifetime, operator new throws std::bad_alloc in the calling thread after `more` further
// allocations. Allocations inside RocksDB and Protobuf neither count nor fail, because these libraries do not
// promise to survive that.
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
