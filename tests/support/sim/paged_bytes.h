#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.h"

namespace rawkv {

// The content of a file or device in pages that copies share until one of them writes. Pages of zeros take no
// memory, so that a sparse device of megabytes is cheap to copy, compare and hash.
class PagedBytes {
 public:
  static constexpr uint64_t kPageBytes = 4096;

  uint64_t size() const { return size_; }
  void Resize(uint64_t size);                     // bytes that were cut off are zero if the size grows again
  void Write(uint64_t offset, ConstBytes bytes);  // extends
  void Zero(uint64_t offset, uint64_t length);    // extends
  // Up to out.size() bytes, fewer at the end; returns how many.
  size_t Read(uint64_t offset, Bytes out) const;
  bool IsZero(uint64_t offset, uint64_t length) const;  // true beyond the end
  uint64_t Hash() const;                                // of size and content; equal content, equal hash

 private:
  struct Page {
    std::array<std::byte, kPageBytes> bytes{};
    mutable uint64_t hash = 0;  // 0: not computed
  };
  Page& Own(uint64_t page);

  uint64_t size_ = 0;
  std::vector<std::shared_ptr<Page>> pages_;  // null: zeros; bytes after size_ are zero
};

}  // namespace rawkv
