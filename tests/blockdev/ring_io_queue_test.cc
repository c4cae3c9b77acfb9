// RingIoQueue on a ring that refuses, shortens and cancels calls.

#include "blockdev/ring_io_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <deque>
#include <numeric>

#include "tests/blockdev/memory_device.h"

namespace rawkv {
namespace {

constexpr uint64_t kQueueCapacity = 1 << 20;

// A ring on a memory device. Submits take effect at once; `submits` and `results` replace what they return.
class ScriptedQueueRing final : public IoRing {
 public:
  explicit ScriptedQueueRing(MemoryDevice& device) : device_(device) {}
  std::deque<int> submits;      // errors, in order
  std::deque<int64_t> results;  // of the first calls, in order
  std::atomic<size_t> in_flight_max{0};

  bool Push(const Call& call) override {
    pushed_.push_back(call);
    return true;
  }
  int Submit() override {
    if (!submits.empty()) {
      const int error = submits.front();
      submits.pop_front();
      return error;
    }
    const auto count = static_cast<int>(pushed_.size());
    MutexLock lock(mu_);
    for (const Call& call : pushed_) {
      EXPECT_TRUE(device_.Read(call.offset, call.buffer).ok());
      int64_t result = static_cast<int64_t>(call.buffer.size());
      if (!results.empty()) {
        result = results.front();
        results.pop_front();
      }
      done_.push_back({.tag = call.tag, .result = result});
    }
    in_flight_max = std::max(in_flight_max.load(), done_.size());
    pushed_.clear();
    changed_.NotifyAll();
    return count;
  }
  bool PushWake(uint64_t) override { return false; }
  int Wait(int64_t) override {
    MutexLock lock(mu_);
    while (done_.empty()) changed_.Wait(mu_);
    return 0;
  }
  size_t Reap(std::span<Completion> out) override {
    MutexLock lock(mu_);
    size_t count = 0;
    for (; count < out.size() && !done_.empty(); ++count) {
      out[count] = done_.front();
      done_.pop_front();
    }
    return count;
  }

 private:
  MemoryDevice& device_;
  std::vector<Call> pushed_;
  Mutex mu_;
  CondVar changed_;
  std::deque<Completion> done_ RAWKV_GUARDED_BY(mu_);
};

class RingIoQueueTest : public testing::Test {
 protected:
  struct Read final : IoQueue::Job {
    Read(RingIoQueueTest& test_in, const IoRequest& request) : Job(request), test(test_in) {}
    void OnDone() override {
      MutexLock lock(test.mu_);
      ++completions;
      ++test.completed_;
      test.changed_.NotifyAll();
    }
    RingIoQueueTest& test;
    int completions = 0;
  };

  RingIoQueueTest() {
    AlignedBuffer all(kQueueCapacity);
    for (uint64_t i = 0; i < kQueueCapacity; ++i) all.data()[i] = static_cast<std::byte>(i / kBlockAlign + 1);
    EXPECT_TRUE(device_.Write(DeviceOffset(0), all.bytes()).ok());
    auto ring = std::make_unique<ScriptedQueueRing>(device_);
    ring_ = ring.get();
    pending_ring_ = std::move(ring);
  }

  // Reads `count` times two blocks, and expects each read to complete once with the right bytes.
  void ReadAll(uint64_t count, uint32_t depth = 4) {
    Result<std::unique_ptr<IoQueue>> queue = RingIoQueue::Make(
        device_, std::move(pending_ring_),
        {.depth = depth, .admit = [](const IoRequest& r) {
           return r.buffer.size() % kBlockAlign == 0 ? Status::Ok() : Status::InvalidArgument("unaligned");
         }});
    ASSERT_TRUE(queue.ok());
    std::vector<AlignedBuffer> buffers;
    std::deque<Read> reads;
    std::vector<IoQueue::Job*> jobs;
    for (uint64_t i = 0; i < count; ++i) {
      buffers.emplace_back(2 * kBlockAlign);
      reads.emplace_back(*this,
                         IoRequest{.offset = DeviceOffset(i * kBlockAlign), .buffer = buffers[i].bytes()});
      jobs.push_back(&reads.back());
    }
    Read invalid(*this, IoRequest{.offset = DeviceOffset(0), .buffer = buffers[0].bytes().first(1)});
    jobs.push_back(&invalid);
    (*queue)->Submit(jobs);
    {
      MutexLock lock(mu_);
      while (completed_ < jobs.size()) changed_.Wait(mu_);
    }
    EXPECT_LE(ring_->in_flight_max, depth);
    queue->reset();
    EXPECT_EQ(invalid.completions, 1);
    EXPECT_EQ(invalid.status().code(), StatusCode::kInvalidArgument);
    for (uint64_t i = 0; i < count; ++i) {
      EXPECT_EQ(reads[i].completions, 1);
      EXPECT_TRUE(reads[i].status().ok()) << reads[i].status().ToString();
      EXPECT_EQ(buffers[i].data()[0], static_cast<std::byte>(i + 1));
      EXPECT_EQ(buffers[i].data()[kBlockAlign], static_cast<std::byte>(i + 2));
    }
  }

  MemoryDevice device_{kQueueCapacity};
  std::unique_ptr<IoRing> pending_ring_;
  ScriptedQueueRing* ring_ = nullptr;
  Mutex mu_;
  CondVar changed_;
  size_t completed_ RAWKV_GUARDED_BY(mu_) = 0;
};

TEST_F(RingIoQueueTest, KeepsToItsDepth) {
  ReadAll(50, /*depth=*/3);
}

TEST_F(RingIoQueueTest, TriesAgainAfterRefusedSubmissions) {
  ring_->submits = {-EAGAIN, -EBUSY, -EINTR, -EAGAIN};
  ReadAll(20);
}

TEST_F(RingIoQueueTest, ReadsWithoutTheRingOnceItHasFailed) {
  ring_->submits = std::deque<int>(1000, -EIO);
  ReadAll(20);
}

TEST_F(RingIoQueueTest, ContinuesShortInterruptedAndCancelledTransfers) {
  ring_->results = {-ECANCELED, -EINTR, 4096, -EAGAIN, -ECANCELED, 4096, 17};
  ReadAll(20);
}

}  // namespace
}  // namespace rawkv
