#include "blockdev/reaped_ring.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/check.h"
#include "base/exception_status.h"

namespace rawkv {

ReapedRing::ReapedRing(const BlockDevice& device, std::unique_ptr<IoRing> ring, Options options)
    : device_(device), options_(std::move(options)), ring_(std::move(ring)) {
  pushed_.reserve(options_.depth + 1);
}

void ReapedRing::Add(std::span<Job* const> jobs) {
  for (Job* job : jobs) {
    job->request_.status = NoThrow([&] { return options_.admit(job->request_); });
  }
  MutexLock lock(mu_);
  for (Job* job : jobs) {
    if (!job->status().ok()) {
      strays_.Push(job);
      continue;
    }
    waiting_.Push(job);
    ++waiting_count_;
  }
}

void ReapedRing::Start(Pace pace) {
  MutexLock lock(mu_);
  if (pace == Pace::kTogether && in_flight_ != 0 && waiting_count_ < kTogetherMax) return;
  Pump();
}

void ReapedRing::Pump() {
  while (!waiting_.empty()) {
    Job* const job = waiting_.front();
    if (failed_) {
      strays_.Push(waiting_.Pop());
      --waiting_count_;
      continue;
    }
    const Transfer& transfer = job->transfer_;
    const std::optional<uint32_t> slot = FindSlot(transfer.buffer());
    if (in_flight_ + pushed_.size() >= options_.depth ||
        !ring_->Push({.tag = reinterpret_cast<uintptr_t>(job),
                      .kind = transfer.kind(),
                      .offset = transfer.offset(),
                      .buffer = transfer.buffer(),
                      .memory_slot = slot})) {
      break;
    }
    job->registered_ = slot.has_value();
    pushed_.push_back(waiting_.Pop());
    --waiting_count_;
  }
  SubmitPushed();
}

void ReapedRing::SubmitPushed() {
  if (failed_ || pushed_.empty()) return;
  const int taken = ring_->Submit();
  if (taken <= 0) return HandleRefusal(taken == 0 ? EAGAIN : -taken);
  RAWKV_CHECK(static_cast<size_t>(taken) <= pushed_.size(), "the kernel takes only what was pushed");
  pushed_.erase(pushed_.begin(), pushed_.begin() + taken);
  in_flight_ += static_cast<size_t>(taken);
  refusals_ = 0;
}

void ReapedRing::HandleRefusal(int error) {
  const bool passing = error == EINTR || error == EAGAIN || error == EBUSY;
  if (passing && ++refusals_ <= kMaxRefusals) return;
  failed_ = true;
  for (Job* job : pushed_) {
    if (job != nullptr) strays_.Push(job);
  }
  pushed_.clear();
  while (!waiting_.empty()) strays_.Push(waiting_.Pop());
  waiting_count_ = 0;
}

bool ReapedRing::Wait(int64_t timeout_ms) {
  bool in_flight = false;
  bool pause = false;
  {
    MutexLock lock(mu_);
    Pump();
    if (!strays_.empty()) return true;
    in_flight = in_flight_ != 0;
    if (!in_flight && pushed_.empty() && waiting_.empty()) return false;
    // Without a transfer in flight, the kernel lacks a resource that no completion will free.
    pause = std::exchange(pause_, false) || !in_flight;
  }
  if (pause) PauseForRetry();
  if (!in_flight) return true;
  const int result = ring_->Wait(timeout_ms);
  // Completions appear in shared memory even if the wait for them fails, so a look after a pause finds them.
  if (result < 0 && result != -EINTR && result != -ETIME) PauseForRetry();
  return true;
}

void ReapedRing::Wake() {
  MutexLock lock(mu_);
  if (failed_ || wake_under_way_ || pushed_.size() > options_.depth) return;
  if (!ring_->PushWake(kWakeTag)) return;
  wake_under_way_ = true;
  pushed_.push_back(nullptr);
  SubmitPushed();
}

void ReapedRing::Reap() {
  std::array<IoRing::Completion, 64> completions;
  JobList done;
  const size_t count = ring_->Reap(completions);
  {
    MutexLock lock(mu_);
    RAWKV_CHECK(count <= in_flight_, "a completion answers a call of this ring");
    in_flight_ -= count;
    if (count != 0) refusals_ = 0;
    for (size_t i = 0; i < count; ++i) HandleCompletion(completions[i], done);
    Pump();
  }
  while (Job* job = done.Pop()) job->OnDone();
}

void ReapedRing::HandleCompletion(const IoRing::Completion& completion, JobList& done) {
  if (completion.tag == kWakeTag) {
    wake_under_way_ = false;
    return;
  }
  Job* const job = reinterpret_cast<Job*>(static_cast<uintptr_t>(completion.tag));
  Transfer::Next next = Transfer::Next::kAgain;
  Status thrown;
  // The kernel cancels calls of a thread that ends. They are submitted again on this one.
  if (completion.result != -ECANCELED) {
    thrown = NoThrow([&]() -> Status {
      next = job->transfer_.HandleResult(completion.result, device_.path());
      return {};
    });
  }
  if (thrown.ok() && next != Transfer::Next::kDone) {
    pause_ |= next == Transfer::Next::kPause;
    waiting_.Push(job);
    ++waiting_count_;
    return;
  }
  job->request_.status = thrown.ok() ? job->transfer_.status() : thrown;
  done.Push(job);
}

Result<uint64_t> ReapedRing::RegisterMemory(Bytes memory) {
  const uint64_t wanted = (memory.size() - 1) / kPieceBytes + 1;
  std::vector<uint32_t> slots;
  uint64_t id = 0;
  {
    MutexLock lock(mu_);
    for (uint32_t slot = 0; slot < pieces_.size() && slots.size() < wanted; ++slot) {
      if (pieces_[slot].id == 0) slots.push_back(slot);
    }
    if (slots.size() < wanted) {
      return Status::NoSpace("more than " + std::to_string(pieces_.size()) +
                             " pieces of 1 GiB of memory would be registered");
    }
    id = ++last_memory_id_;
    for (const uint32_t slot : slots) pieces_[slot].id = id;
  }
  for (size_t i = 0; i < slots.size(); ++i) {
    const Bytes rest = memory.subspan(i * kPieceBytes);
    const Bytes piece = rest.first(std::min<uint64_t>(rest.size(), kPieceBytes));
    const Status registered = ring_->RegisterMemory(slots[i], piece);
    MutexLock lock(mu_);
    if (registered.ok()) {
      pieces_[slots[i]].bytes = piece;
      continue;
    }
    for (size_t j = i; j < slots.size(); ++j) pieces_[slots[j]] = {};
    mu_.Unlock();
    UnregisterMemory(id);
    mu_.Lock();
    return registered;
  }
  return id;
}

void ReapedRing::UnregisterMemory(uint64_t id) {
  for (uint32_t slot = 0; slot < IoRing::kMemorySlots; ++slot) {
    {
      MutexLock lock(mu_);
      if (pieces_[slot].id != id) continue;
      pieces_[slot].bytes = {};  // no transfer finds it any more
    }
    ring_->UnregisterMemory(slot);
    MutexLock lock(mu_);
    pieces_[slot] = {};
  }
}

std::optional<uint32_t> ReapedRing::FindSlot(Bytes buffer) const {
  if (last_memory_id_ == 0) return {};
  for (uint32_t slot = 0; slot < pieces_.size(); ++slot) {
    const Bytes piece = pieces_[slot].bytes;
    if (buffer.data() >= piece.data() && buffer.data() + buffer.size() <= piece.data() + piece.size())
      return slot;
  }
  return {};
}

ReapedRing::Job* ReapedRing::TakeStray() {
  MutexLock lock(mu_);
  return strays_.Pop();
}

}  // namespace rawkv
