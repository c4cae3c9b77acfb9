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
  // Reserves the memory here, since nothing may throw while the kernel uses the caller's buffers.
  queued_.reserve(batch.size());
  retries_.reserve(batch.size());
}

// Submits and waits in separate calls, and reaps and replaces finished requests before it waits. One call for
// both (io_uring_submit_and_wait) was rejected: if processor time is scarce, the whole queue finishes before
// this thread runs again, and the device idles until then.
bool RingBatch::Run() noexcept {
  while (ended_ < batch_.size()) {
    if (ring_error_ == 0) Fill();
    if (!queued_.empty()) SubmitQueued();
    if (Reap() == 0) WaitForCompletion();
  }
  RAWKV_CHECK(in_flight_ == 0 && queued_.empty(), "the kernel has no request after all have ended");
  return ring_error_ == 0;
}

void RingBatch::Fill() {
  while (in_flight_ + queued_.size() < options_.depth) {
    const bool retry = !retries_.empty();
    if (!retry && next_ == batch_.size()) break;
    const size_t index = retry ? retries_.back() : next_;
    const Transfer& transfer = transfers_[index];
    if (!ring_.Push({.tag = index,
                     .kind = transfer.kind(),
                     .offset = transfer.offset(),
                     .buffer = transfer.buffer()})) {
      break;
    }
    queued_.push_back(index);
    retry ? retries_.pop_back() : static_cast<void>(++next_);
  }
  RAWKV_CHECK(in_flight_ + queued_.size() > 0, "an empty ring takes at least one call");
}

void RingBatch::SubmitQueued() {
  const int taken = ring_.Submit();
  if (taken <= 0) return HandleRefusal(taken == 0 ? EAGAIN : -taken);
  RAWKV_CHECK(static_cast<size_t>(taken) <= queued_.size(), "the kernel takes only what was queued");
  queued_.erase(queued_.begin(), queued_.begin() + taken);
  in_flight_ += static_cast<size_t>(taken);
  refusals_ = 0;
}

void RingBatch::HandleRefusal(int error) {
  const bool passing = error == EINTR || error == EAGAIN || error == EBUSY;
  if (!passing || ++refusals_ > kMaxRefusals) return AbandonRing(error);
  // If calls are in flight, Run waits for one, whose end frees the resource that the kernel lacks.
  if (in_flight_ == 0 && error != EINTR) PauseForRetry();
}

// Run returns false, so the caller destroys the ring together with the calls that are queued in it.
void RingBatch::AbandonRing(int error) {
  ring_error_ = error;
  for (const size_t index : queued_) EndRequest(index, RingError(index));
  for (const size_t index : retries_) EndRequest(index, RingError(index));
  queued_.clear();
  retries_.clear();
  for (; next_ < batch_.size(); ++next_) EndRequest(next_, RingError(next_));
}

void RingBatch::WaitForCompletion() {
  if (in_flight_ == 0) return;
  const int result = ring_.Wait(IoRing::kForever);
  // Run must not give up here (rule 3). Completions appear in shared memory even if the wait for them fails,
  // so a new look after a pause finds them in the end.
  if (result < 0 && result != -EINTR) PauseForRetry();
}

size_t RingBatch::Reap() {
  std::array<IoRing::Completion, 64> done;
  size_t total = 0;
  size_t count = 0;
  do {
    count = ring_.Reap(done);
    for (size_t i = 0; i < count; ++i) HandleCompletion(done[i]);
    total += count;
  } while (count == done.size());
  return total;
}

void RingBatch::HandleCompletion(const IoRing::Completion& completion) {
  RAWKV_CHECK(completion.tag < batch_.size() && in_flight_ > 0, "a completion answers a call of this batch");
  const auto index = static_cast<size_t>(completion.tag);
  --in_flight_;
  refusals_ = 0;
  Transfer::Next next = Transfer::Next::kDone;
  const Status thrown = NoThrow([&]() -> Status {
    next = transfers_[index].HandleResult(completion.result, options_.path);
    return {};
  });
  if (!thrown.ok()) return EndRequest(index, thrown);
  if (next == Transfer::Next::kDone) return EndRequest(index, transfers_[index].status());
  if (ring_error_ != 0) return EndRequest(index, RingError(index));
  if (next == Transfer::Next::kPause) PauseForRetry();
  retries_.push_back(index);
}

void RingBatch::EndRequest(size_t index, Status status) {
  batch_[index].status = std::move(status);
  ++ended_;
  if (on_done_) on_done_(index);
}

Status RingBatch::RingError(size_t index) const {
  return NoThrow([&] {
    const Transfer& transfer = transfers_[index];
    return Status::IoError(std::string(transfer.kind() == IoKind::kRead ? "read" : "write") + " at offset " +
                           std::to_string(transfer.offset().value()) + " of " + options_.path +
                           ": io_uring takes no more requests: " + std::strerror(ring_error_));
  });
}

}  // namespace rawkv
