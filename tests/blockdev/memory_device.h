#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <set>
#include <vector>

#include "blockdev/block_device.h"

namespace rawkv {

// A device in memory. A test can make blocks unreadable, and tear writes: only their first bytes arrive, as
// in a power cut.
class MemoryDevice final : public BlockDevice {
 public:
  explicit MemoryDevice(uint64_t capacity_bytes)
      : BlockDevice("memory", {.kind = DeviceKind::kMemory, .capacity_bytes = capacity_bytes}),
        bytes_(capacity_bytes) {}

  std::vector<std::byte>& bytes() { return bytes_; }
  void MakeUnreadable(uint64_t offset) { unreadable_.insert(offset); }
  void TearWritesAfter(size_t bytes) { torn_after_ = bytes; }
  size_t submitted() const { return submitted_; }

 private:
  void DoSubmit(std::span<IoRequest> batch, const OnDone& on_done) override {
    for (size_t i = 0; i < batch.size(); ++i) {
      batch[i].status = Transfer(batch[i]);
      ++submitted_;
      if (on_done) on_done(i);
    }
  }
  Status DoFlush() override { return Status::Ok(); }
  Status DoDiscard(DeviceOffset, uint64_t) override { return Status::Ok(); }

  Status Transfer(const IoRequest& request) {
    std::byte* const here = bytes_.data() + request.offset.value();
    if (request.kind == IoKind::kRead) {
      if (unreadable_.contains(request.offset.value())) return Status::IoError("unreadable");
      std::memcpy(request.buffer.data(), here, request.buffer.size());
      return Status::Ok();
    }
    std::memcpy(here, request.buffer.data(), std::min(request.buffer.size(), torn_after_));
    return torn_after_ < request.buffer.size() ? Status::IoError("power lost") : Status::Ok();
  }

  std::vector<std::byte> bytes_;
  std::set<uint64_t> unreadable_;
  size_t torn_after_ = SIZE_MAX;
  size_t submitted_ = 0;
};

}  // namespace rawkv
