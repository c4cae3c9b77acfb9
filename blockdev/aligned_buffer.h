#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/bytes.h"
#include "base/export.h"

namespace rawkv {

// Unit of device I/O: the offset, the length and the memory address of every transfer are multiples of it.
inline constexpr uint64_t kBlockAlign = 4096;

constexpr uint64_t AlignUp(uint64_t n, uint64_t align) {
  return (n + align - 1) / align * align;
}
constexpr bool IsAligned(uint64_t n, uint64_t align = kBlockAlign) {
  return n % align == 0;
}

// Move-only memory for device I/O: its address and its size are multiples of kBlockAlign. Not zeroed.
class RAWKV_EXPORT AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(uint64_t size_bytes);  // rounded up to kBlockAlign
  // The moved-from buffer becomes empty, so that its size agrees with its null pointer.
  AlignedBuffer(AlignedBuffer&& other) noexcept;
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept;
  std::byte* data() { return data_.get(); }
  const std::byte* data() const { return data_.get(); }
  uint64_t size() const { return size_; }
  Bytes bytes() { return {data_.get(), size_}; }
  ConstBytes bytes() const { return {data_.get(), size_}; }

 private:
  struct Free {
    void operator()(std::byte* p) const;
  };
  std::unique_ptr<std::byte[], Free> data_;
  uint64_t size_ = 0;
};

}  // namespace rawkv
