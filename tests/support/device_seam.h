#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "blockdev/block_device.h"

namespace rawkv {

// Passes every request to another device, or answers it itself: `answer` returns nothing for a request that
// the other device shall answer.
class DeviceSeam : public BlockDevice {
 public:
  using Answer = std::function<std::optional<Status>(const IoRequest&)>;
  DeviceSeam(std::unique_ptr<BlockDevice> base, Answer answer)
      : BlockDevice(base->path(), base->geometry()), base_(std::move(base)), answer_(std::move(answer)) {}

 protected:
  BlockDevice& base() { return *base_; }
  Status DoFlush() override { return base_->Flush(); }
  Status DoEnlarge(uint64_t capacity_bytes) override { return base_->Enlarge(capacity_bytes); }
  Result<uint64_t> DoFindSize() override { return base_->FindCapacity(); }
  Status DoDiscard(DeviceOffset offset, uint64_t length) override { return base_->Discard(offset, length); }

 private:
  void DoSubmit(std::span<IoRequest> batch, const OnDone& on_done) override {
    for (size_t i = 0; i < batch.size(); ++i) {
      IoRequest& r = batch[i];
      std::optional<Status> answer = answer_(r);
      if (!answer) {
        answer = r.kind == IoKind::kRead ? base_->Read(r.offset, r.buffer) : base_->Write(r.offset, r.buffer);
      }
      r.status = *std::move(answer);
      if (on_done) on_done(i);
    }
  }

  const std::unique_ptr<BlockDevice> base_;
  const Answer answer_;
};

}  // namespace rawkv
