#include "blockdev/ring_batch.h"

#include <array>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "base/exception_status.h"

namespace rawkv {

RingBatch::RingBatch(IoRing& ring, Options options, std::span<IoRequest> batch,
                     const BlockDevice::OnDone& on_done)
    : ring_(ring), options_(options), batch_(batch), on_done_(on_done) {
  transfers_.reserve(batch.size());
  for (const IoRequest& request : batch) transfers_.emplace_back(request);
  // Reserved here, since nothing may throw while the kernel holds the caller's memory.
  queued_.reserve(batch.size());
  again_.reserve(batch.size());
}

// Handing over and waiting are separate calls, and what is done is reaped and replaced before any wait.
// In one call (io_uring_submit_and_wait) the whole queue moves in lockstep where processor time is
// scarce: everything ends while we wait for our turn, and the device idles until we had it.
bool RingBatch::Run() noexcept {
  while (ended_ < batch_.size()) {
    if (ring_error_ == 0) Fill();
    if (!queued_.empty()) HandOver();
    if (Reap() == 0) AwaitCompletion();
  }
  RAWKV_CHECK(in_flight_ == 0 && queued_.empty(), "every request has ended, so the kernel holds none");
  return ring_error_ == 0;
}

void RingBatch::Fill() {
  while (in_flight_ + queued_.size() < options_.depth) {
    const bool retry = !again_.empty();
    if (!retry && next_ == batch_.size()) break;
    const size_t index = retry ? again_.back() : next_;
    const Transfer& transfer = transfers_[index];
    if (!ring_.Push({.tag = index,
                     .kind = transfer.kind(),
                     .offset = transfer.offset(),
                     .buffer = transfer.buffer()})) {
      break;
    }
    queued_.push_back(index);
    retry ? again_.pop_back() : static_cast<void>(++next_);
  }
  RAWKV_CHECK(in_flight_ + queued_.size() > 0, "an empty ring takes at least one call");
}

void RingBatch::HandOver() {
  const int taken = ring_.Submit();
  if (taken <= 0) return Refused(taken == 0 ? EAGAIN : -taken);
  RAWKV_CHECK(static_cast<size_t>(taken) <= queued_.size(), "the kernel takes only what was queued");
  queued_.erase(queued_.begin(), queued_.begin() + taken);
  in_flight_ += static_cast<size_t>(taken);
  refusals_ = 0;
}

void RingBatch::Refused(int error) {
  const bool passing = error == EINTR || error == EAGAIN || error == EBUSY;
  if (!passing || ++refusals_ > kMaxRefusals) return Abandon(error);
  // With calls in flight the loop awaits one, which gives back what the kernel is short of.
  if (in_flight_ == 0 && error != EINTR) PauseForRetry();
}

// The calls still queued in the ring die with it; the caller destroys it because Run says false.
void RingBatch::Abandon(int error) {
  ring_error_ = error;
  for (const size_t index : queued_) End(index, RingFailed(index));
  for (const size_t index : again_) End(index, RingFailed(index));
  queued_.clear();
  again_.clear();
  for (; next_ < batch_.size(); ++next_) End(next_, RingFailed(next_));
}

void RingBatch::AwaitCompletion() {
  if (in_flight_ == 0) return;
  const int result = ring_.Wait();
  // There is no giving up here (rule 3). Completions appear in shared memory even when waiting for
  // them fails, so looking again after a pause always ends.
  if (result < 0 && result != -EINTR) PauseForRetry();
}

size_t RingBatch::Reap() {
  std::array<IoRing::Completion, 64> done;
  size_t total = 0;
  size_t count = 0;
  do {
    count = ring_.Reap(done);
    for (size_t i = 0; i < count; ++i) Completed(done[i]);
    total += count;
  } while (count == done.size());
  return total;
}

void RingBatch::Completed(const IoRing::Completion& completion) {
  RAWKV_CHECK(completion.tag < batch_.size() && in_flight_ > 0, "a completion answers a call of this batch");
  const auto index = static_cast<size_t>(completion.tag);
  --in_flight_;
  refusals_ = 0;
  Transfer::Next next = Transfer::Next::kDone;
  const Status thrown = NoThrow([&]() -> Status {
    next = transfers_[index].Take(completion.result, options_.path);
    return {};
  });
  if (!thrown.ok()) return End(index, thrown);
  if (next == Transfer::Next::kDone) return End(index, transfers_[index].status());
  if (ring_error_ != 0) return End(index, RingFailed(index));
  if (next == Transfer::Next::kPause) PauseForRetry();
  again_.push_back(index);
}

void RingBatch::End(size_t index, Status status) {
  batch_[index].status = std::move(status);
  ++ended_;
  if (on_done_) on_done_(index);
}

Status RingBatch::RingFailed(size_t index) const {
  return NoThrow([&] {
    const Transfer& transfer = transfers_[index];
    return Status::IoError(std::string(transfer.kind() == IoKind::kRead ? "read" : "write") + " at offset " +
                           std::to_string(transfer.offset().value()) + " of " + options_.path +
                           ": io_uring takes no more requests: " + std::strerror(ring_error_));
  });
}

}  // namespace rawkv
