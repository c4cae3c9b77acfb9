#include "blockdev/nvme_ring.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/check.h"
#include "blockdev/nvme_status.h"

namespace rawkv {

namespace {

// The result of a command of a ring. While the drive's queue was full, Linux 6.1 was observed to end hundreds
// of commands with EFAULT, although their memory was valid. The cause in the kernel is not known. Repeated,
// they succeed, and to repeat a read or a write of the same bytes does no harm.
int64_t ResultOfCompletion(int64_t raw, int64_t success) {
  if (raw == 0) return success;
  return raw == -EFAULT ? -EAGAIN : ResultOfNvmeCommand(raw, 0);
}

}  // namespace

NvmeRing::NvmeRing(std::unique_ptr<NvmeCommandRing> ring, Options options)
    : ring_(std::move(ring)), options_(options) {
  // The kernel takes entries out of the submission queue before they complete, and its completion queue has
  // twice the entries, so this many calls can be on their way. The memory is made here, since later nothing
  // may throw.
  const uint32_t count = 2 * options_.entries + 1;
  slots_.resize(count);
  free_.reserve(count);
  for (uint32_t i = 0; i < count; ++i) free_.push_back(count - 1 - i);
}

template <typename PushSlot>
bool NvmeRing::PushIntoSlot(Slot slot, const PushSlot& push) {
  MutexLock lock(mu_);
  if (free_.empty() || !push(free_.back())) return false;
  slots_[free_.back()] = slot;
  free_.pop_back();
  return true;
}

bool NvmeRing::Push(const Call& call) {
  if (call.kind == IoKind::kWrite && !options_.writable) {
    return PushIntoSlot({.tag = call.tag, .result = -EBADF},
                        [this](uint32_t index) { return ring_->PushWake(index); });
  }
  const Bytes part =
      call.buffer.first(std::min<uint64_t>(call.buffer.size(), options_.target.transfer_bytes));
  const nvme_uring_cmd command =
      EncodeNvmeTransfer(options_.target, call.kind, call.offset, part, NvmeFua::kNo);
  return PushIntoSlot({.tag = call.tag, .result = static_cast<int64_t>(part.size())},
                      [&](uint32_t index) { return ring_->Push(index, command); });
}

bool NvmeRing::PushWake(uint64_t tag) {
  return PushIntoSlot({.tag = tag, .result = 0}, [this](uint32_t index) { return ring_->PushWake(index); });
}

size_t NvmeRing::Reap(std::span<Completion> out) {
  std::array<NvmeCommandRing::Completion, 64> ended;
  const size_t count = ring_->Reap(std::span(ended).first(std::min(ended.size(), out.size())));
  MutexLock lock(mu_);
  for (size_t i = 0; i < count; ++i) {
    const auto index = static_cast<uint32_t>(ended[i].tag);
    RAWKV_CHECK(ended[i].tag < slots_.size() && free_.size() < slots_.size(),
                "a completion answers a command of this ring");
    const Slot slot = slots_[index];
    out[i] = {.tag = slot.tag, .result = ResultOfCompletion(ended[i].result, slot.result)};
    free_.push_back(index);
  }
  return count;
}

}  // namespace rawkv
