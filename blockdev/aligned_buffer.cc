#include "blockdev/aligned_buffer.h"

#include <new>

#include "base/check.h"

namespace rawkv {

AlignedBuffer::AlignedBuffer(uint64_t size_bytes) {
  RAWKV_CHECK(size_bytes <= UINT64_MAX - kBlockAlign, "no buffer is that large");
  if (size_bytes == 0) return;
  size_ = AlignUp(size_bytes, kBlockAlign);
  data_.reset(static_cast<std::byte*>(::operator new(size_, std::align_val_t(kBlockAlign))));
}

AlignedBuffer::AlignedBuffer(AlignedBuffer&& other) noexcept
    : data_(std::move(other.data_)), size_(std::exchange(other.size_, 0)) {}

AlignedBuffer& AlignedBuffer::operator=(AlignedBuffer&& other) noexcept {
  if (this != &other) {
    data_ = std::move(other.data_);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

void AlignedBuffer::Free::operator()(std::byte* p) const {
  ::operator delete(p, std::align_val_t(kBlockAlign));
}

}  // namespace rawkv
