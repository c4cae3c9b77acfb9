// ReapedRing: who passes jobs to the kernel and when, what ends a wait, and which jobs become strays.

#include "blockdev/reaped_ring.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <deque>
#include <map>
#include <optional>
#include <thread>

#include "tests/blockdev/memory_device.h"
#include "tests/support/expect_status.h"

namespace rawkv {
namespace {

// A ring whose transfers end only when the test ends them.
class HeldRing final : public IoRing {
 public:
  bool Push(const Call& call) override {
    MutexLock lock(mu_);
    slots_.push_back(call.memory_slot);
    pushed_.push_back(call.tag);
    return true;
  }
  Status RegisterMemory(uint32_t slot, Bytes piece) override {
    MutexLock lock(mu_);
    if (pieces_.size() == memory_limit_) return Status::IoError("no memory can be locked");
    EXPECT_TRUE(pieces_.emplace(slot, piece).second) << "slot " << slot << " is in use";
    return Status::Ok();
  }
  void UnregisterMemory(uint32_t slot) override {
    MutexLock lock(mu_);
    EXPECT_EQ(pieces_.erase(slot), 1u) << "slot " << slot << " is empty";
  }
  bool PushWake(uint64_t tag) override { return PushTag(tag); }
  int Submit() override {
    MutexLock lock(mu_);
    if (error_ != 0) return error_;
    ++submits_;
    const auto count = static_cast<int>(pushed_.size());
    for (const uint64_t tag : pushed_) (tag == 0 ? done_ : held_).push_back(tag);
    pushed_.clear();
    changed_.NotifyAll();
    return count;
  }
  int Wait(int64_t timeout_ms) override {
    MutexLock lock(mu_);
    ++waits_;
    changed_.NotifyAll();
    while (done_.empty()) {
      if (timeout_ms < 0) {
        changed_.Wait(mu_);
      } else if (!changed_.WaitForMs(mu_, timeout_ms)) {
        return -ETIME;
      }
    }
    return 0;
  }
  size_t Reap(std::span<Completion> out) override {
    MutexLock lock(mu_);
    size_t count = 0;
    for (; count < out.size() && !done_.empty(); ++count) {
      out[count] = {.tag = done_.front(), .result = static_cast<int64_t>(kBlockAlign)};
      done_.pop_front();
    }
    return count;
  }

  void Finish(size_t count) {
    MutexLock lock(mu_);
    for (; count > 0; --count) {
      done_.push_back(held_.front());
      held_.pop_front();
    }
    changed_.NotifyAll();
  }
  void FailSubmits(int error) {
    MutexLock lock(mu_);
    error_ = error;
  }
  void AwaitWaits(int count) {
    MutexLock lock(mu_);
    while (waits_ < count) changed_.Wait(mu_);
  }
  size_t held() {
    MutexLock lock(mu_);
    return held_.size();
  }
  void LimitMemory(size_t pieces) {
    MutexLock lock(mu_);
    memory_limit_ = pieces;
  }
  std::map<uint32_t, Bytes> pieces() {
    MutexLock lock(mu_);
    return pieces_;
  }
  // Of the calls that were pushed since the last look.
  std::vector<std::optional<uint32_t>> TakeSlots() {
    MutexLock lock(mu_);
    return std::exchange(slots_, {});
  }
  int submits() {
    MutexLock lock(mu_);
    return submits_;
  }

 private:
  bool PushTag(uint64_t tag) {
    MutexLock lock(mu_);
    pushed_.push_back(tag);
    return true;
  }

  Mutex mu_;
  CondVar changed_;
  std::deque<uint64_t> pushed_ RAWKV_GUARDED_BY(mu_), held_ RAWKV_GUARDED_BY(mu_),
      done_ RAWKV_GUARDED_BY(mu_);
  int error_ RAWKV_GUARDED_BY(mu_) = 0;
  int submits_ RAWKV_GUARDED_BY(mu_) = 0;
  int waits_ RAWKV_GUARDED_BY(mu_) = 0;
  size_t memory_limit_ RAWKV_GUARDED_BY(mu_) = SIZE_MAX;
  std::map<uint32_t, Bytes> pieces_ RAWKV_GUARDED_BY(mu_);
  std::vector<std::optional<uint32_t>> slots_ RAWKV_GUARDED_BY(mu_);
};

class ReapedRingTest : public testing::Test {
 protected:
  struct BlockRead final : IoQueue::Job {
    BlockRead(Bytes buffer, int& done_in)
        : Job(IoRequest{.offset = DeviceOffset(0), .buffer = buffer}), done(done_in) {}
    void OnDone() override { ++done; }
    int& done;
  };

  ReapedRingTest() {
    auto held = std::make_unique<HeldRing>();
    held_ = held.get();
    ring_ = std::make_unique<ReapedRing>(
        device_, std::move(held), ReapedRing::Options{.depth = 32, .admit = [](const IoRequest& request) {
                                                        return request.buffer.size() == kBlockAlign
                                                                   ? Status::Ok()
                                                                   : Status::InvalidArgument("unaligned");
                                                      }});
  }
  void Add(size_t count, size_t bytes = kBlockAlign) {
    for (; count > 0; --count) {
      IoQueue::Job* const job = &jobs_.emplace_back(buffer_.bytes().first(bytes), done_);
      ring_->Add(std::span(&job, 1));
    }
  }

  MemoryDevice device_{1 << 20};
  AlignedBuffer buffer_{kBlockAlign};
  HeldRing* held_ = nullptr;
  std::unique_ptr<ReapedRing> ring_;
  std::deque<BlockRead> jobs_;
  int done_ = 0;
};

TEST_F(ReapedRingTest, OneSystemCallPassesJobsThatAreStartedTogether) {
  Add(1);
  ring_->Start(ReapedRing::Pace::kTogether);
  EXPECT_EQ(held_->held(), 1u) << "nothing is in flight, so the first job does not wait for others";
  for (size_t i = 1; i < ReapedRing::kTogetherMax; ++i) {
    Add(1);
    ring_->Start(ReapedRing::Pace::kTogether);
  }
  EXPECT_EQ(held_->held(), 1u);
  Add(1);
  ring_->Start(ReapedRing::Pace::kTogether);
  EXPECT_EQ(held_->held(), 1 + ReapedRing::kTogetherMax);
  EXPECT_EQ(held_->submits(), 2);
  Add(1);
  ring_->Start(ReapedRing::Pace::kNow);
  EXPECT_EQ(held_->submits(), 3);
  held_->Finish(2 + ReapedRing::kTogetherMax);
  ring_->Reap();
  EXPECT_EQ(done_, 2 + static_cast<int>(ReapedRing::kTogetherMax));
}

TEST_F(ReapedRingTest, ReapAndWaitPassJobsThatWaitForOthers) {
  Add(1);
  ring_->Start(ReapedRing::Pace::kNow);
  Add(1);
  ring_->Start(ReapedRing::Pace::kTogether);
  ring_->Reap();
  EXPECT_EQ(held_->held(), 2u);
  Add(1);
  ring_->Start(ReapedRing::Pace::kTogether);
  EXPECT_TRUE(ring_->Wait(/*timeout_ms=*/0));
  EXPECT_EQ(held_->held(), 3u);
  held_->Finish(3);
  EXPECT_TRUE(ring_->Wait(IoRing::kForever));
  EXPECT_EQ(done_, 0) << "only Reap calls OnDone";
  ring_->Reap();
  EXPECT_EQ(done_, 3);
  EXPECT_FALSE(ring_->Wait(IoRing::kForever)) << "nothing is under way";
}

TEST_F(ReapedRingTest, WakeEndsAWait) {
  Add(1);
  ring_->Start(ReapedRing::Pace::kNow);
  std::thread waiter([&] { EXPECT_TRUE(ring_->Wait(IoRing::kForever)); });
  held_->AwaitWaits(1);
  ring_->Wake();
  waiter.join();
  ring_->Reap();
  EXPECT_EQ(done_, 0);
  ring_->Wake();
  ring_->Wake();  // one wake is enough for both
  EXPECT_TRUE(ring_->Wait(IoRing::kForever));
  ring_->Reap();
  held_->Finish(1);
  ring_->Reap();
  EXPECT_EQ(done_, 1);
}

TEST_F(ReapedRingTest, InvalidJobsAndJobsOfAFailedRingAreStrays) {
  Add(1, /*bytes=*/1);
  EXPECT_TRUE(ring_->Wait(IoRing::kForever)) << "the caller has to take a stray";
  IoQueue::Job* stray = ring_->TakeStray();
  ASSERT_EQ(stray, &jobs_[0]);
  EXPECT_EQ(stray->status().code(), StatusCode::kInvalidArgument);
  Add(1);
  ring_->Start(ReapedRing::Pace::kNow);
  held_->FailSubmits(-EIO);
  Add(2);
  ring_->Start(ReapedRing::Pace::kNow);
  Add(1);
  ring_->Start(ReapedRing::Pace::kNow);
  for (size_t i = 2; i < 5; ++i) {
    stray = ring_->TakeStray();
    ASSERT_EQ(stray, &jobs_[i]);
    EXPECT_TRUE(stray->status().ok()) << "the ring has failed, not the job";
  }
  EXPECT_EQ(ring_->TakeStray(), nullptr);
  held_->Finish(1);
  EXPECT_TRUE(ring_->Wait(IoRing::kForever)) << "the kernel still has a job";
  ring_->Reap();
  EXPECT_EQ(done_, 1);
  EXPECT_FALSE(ring_->Wait(IoRing::kForever));
}

// Names memory that no test touches, so that it may be larger than the machine has.
Bytes FarMemory(uint64_t address, uint64_t bytes) {
  return {reinterpret_cast<std::byte*>(address), bytes};
}

TEST_F(ReapedRingTest, TransfersWithinRegisteredMemoryUseItsSlot) {
  ASSERT_OK_AND_ASSIGN(const uint64_t id, ring_->RegisterMemory(buffer_.bytes()));
  Add(2);
  ring_->Start(ReapedRing::Pace::kNow);
  EXPECT_EQ(held_->TakeSlots(), (std::vector<std::optional<uint32_t>>{0, 0}));
  EXPECT_EQ(jobs_.front().registered_bytes(), kBlockAlign);
  ring_->UnregisterMemory(id);
  Add(1);
  ring_->Start(ReapedRing::Pace::kNow);
  EXPECT_EQ(held_->TakeSlots(), std::vector<std::optional<uint32_t>>(1));
  EXPECT_EQ(jobs_.back().registered_bytes(), 0u);
  held_->Finish(3);
  ring_->Reap();
  EXPECT_EQ(done_, 3);
}

TEST_F(ReapedRingTest, LargeMemoryIsRegisteredInPiecesOfOneGiB) {
  constexpr uint64_t kGiB = 1ull << 30;
  ASSERT_OK_AND_ASSIGN(const uint64_t first, ring_->RegisterMemory(FarMemory(kGiB, 2 * kGiB + 1)));
  const auto pieces = held_->pieces();
  ASSERT_EQ(pieces.size(), 3u);
  EXPECT_EQ(pieces.at(0).size(), kGiB);
  EXPECT_EQ(pieces.at(1).data(), FarMemory(2 * kGiB, 1).data());
  EXPECT_EQ(pieces.at(2).size(), 1u);
  EXPECT_STATUS(ring_->RegisterMemory(FarMemory(kGiB, 62 * kGiB)), StatusCode::kNoSpace, "64 pieces");
  ASSERT_OK(ring_->RegisterMemory(FarMemory(kGiB, 61 * kGiB)));
  EXPECT_EQ(held_->pieces().size(), 64u);
  ring_->UnregisterMemory(first);
  EXPECT_EQ(held_->pieces().size(), 61u);
}

TEST_F(ReapedRingTest, NothingIsRegisteredIfOnePieceIsRefused) {
  held_->LimitMemory(2);
  EXPECT_STATUS(ring_->RegisterMemory(FarMemory(1ull << 30, 3ull << 30)), StatusCode::kIoError, "locked");
  EXPECT_TRUE(held_->pieces().empty());
  held_->LimitMemory(64);
  ASSERT_OK(ring_->RegisterMemory(FarMemory(1ull << 30, 64ull << 30))) << "every slot is free again";
}

}  // namespace
}  // namespace rawkv
