#include "tests/support/sim/paged_bytes.h"

#include <algorithm>
#include <cstring>

#include "base/checksum.h"

namespace rawkv {
PagedBytes::Page& PagedBytes::Own(uint64_t page) {
  std::shared_ptr<Page>& slot = pages_[page];
  if (slot == nullptr) {
    slot = std::make_shared<Page>();
  } else if (slot.use_count() > 1) {
    slot = std::make_shared<Page>(*slot);
  }
  slot->hash = 0;
  return *slot;
}

void PagedBytes::Resize(uint64_t size) {
  if (size < size_) {
    pages_.resize((size + kPageBytes - 1) / kPageBytes);
    const uint64_t within = size % kPageBytes;
    if (within != 0 && pages_.back() != nullptr) {
      Page& last = Own(pages_.size() - 1);
      std::fill(last.bytes.begin() + static_cast<std::ptrdiff_t>(within), last.bytes.end(), std::byte{0});
    }
  } else {
    pages_.resize((size + kPageBytes - 1) / kPageBytes);
  }
  size_ = size;
}

void PagedBytes::Write(uint64_t offset, ConstBytes bytes) {
  if (offset + bytes.size() > size_) Resize(offset + bytes.size());
  while (!bytes.empty()) {
    const uint64_t within = offset % kPageBytes;
    const size_t n = std::min<uint64_t>(bytes.size(), kPageBytes - within);
    // A missing page stands for zeros, and stays missing if zeros are written.
    if (pages_[offset / kPageBytes] != nullptr || !AllZero(bytes.first(n))) {
      std::memcpy(Own(offset / kPageBytes).bytes.data() + within, bytes.data(), n);
    }
    bytes = bytes.subspan(n);
    offset += n;
  }
}

void PagedBytes::Zero(uint64_t offset, uint64_t length) {
  if (offset + length > size_) Resize(offset + length);
  while (length > 0) {
    const uint64_t within = offset % kPageBytes;
    const uint64_t n = std::min(length, kPageBytes - within);
    std::shared_ptr<Page>& slot = pages_[offset / kPageBytes];
    if (n == kPageBytes) {
      slot = nullptr;
    } else if (slot != nullptr) {
      std::memset(Own(offset / kPageBytes).bytes.data() + within, 0, n);
    }
    length -= n;
    offset += n;
  }
}

size_t PagedBytes::Read(uint64_t offset, Bytes out) const {
  if (offset >= size_) return 0;
  const size_t total = std::min<uint64_t>(out.size(), size_ - offset);
  for (size_t done = 0; done < total;) {
    const uint64_t within = (offset + done) % kPageBytes;
    const size_t n = std::min<uint64_t>(total - done, kPageBytes - within);
    const std::shared_ptr<Page>& page = pages_[(offset + done) / kPageBytes];
    if (page == nullptr) {
      std::memset(out.data() + done, 0, n);
    } else {
      std::memcpy(out.data() + done, page->bytes.data() + within, n);
    }
    done += n;
  }
  return total;
}

bool PagedBytes::IsZero(uint64_t offset, uint64_t length) const {
  const uint64_t end = std::min(offset + length, size_);
  while (offset < end) {
    const uint64_t within = offset % kPageBytes;
    const uint64_t n = std::min(end - offset, kPageBytes - within);
    const std::shared_ptr<Page>& page = pages_[offset / kPageBytes];
    if (page != nullptr && !AllZero(ConstBytes(page->bytes).subspan(within, n))) return false;
    offset += n;
  }
  return true;
}

uint64_t PagedBytes::Hash() const {
  std::vector<uint64_t> words{size_};
  words.reserve(pages_.size() + 1);
  for (const std::shared_ptr<Page>& page : pages_) {
    if (page == nullptr) {
      words.push_back(0);
      continue;
    }
    // A written page of zeros has the hash of a missing page.
    if (page->hash == 0) page->hash = AllZero(page->bytes) ? 1 : Xxh3(page->bytes) | 2;
    words.push_back(page->hash == 1 ? 0 : page->hash);
  }
  return Xxh3(std::as_bytes(std::span(words)));
}

}  // namespace rawkv
