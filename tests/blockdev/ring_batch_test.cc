#include "blockdev/ring_batch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <deque>

#include "tests/blockdev/test_bytes.h"

namespace rawkv {
namespace {

// A ring on memory with the permitted behaviour of a kernel: it takes few calls at a time, refuses calls,
// interrupts waits, and finishes calls out of order and short.
class ScriptedRing final : public IoRing {
 public:
  ScriptedRing(uint64_t capacity_bytes, uint64_t seed) : memory(capacity_bytes), random_(seed) {}
  ~ScriptedRing() override { EXPECT_TRUE(in_flight_.empty()) << "calls outlived their batch"; }

  std::vector<std::byte> memory;
  size_t entries = 1024;
  std::deque<int> submits;       // results of Submit in order: a maximum or an error
  bool refuse_for_good = false;  // once `submits` is empty, Submit fails; else it takes all
  bool interrupt_waits = false;  // some calls of Wait return -EINTR
  bool short_transfers = false;  // transfers move only a part
  size_t in_flight_max = 0;

  bool Push(const Call& call) override {
    if (queued_.size() == entries) return false;
    queued_.push_back(call);
    return true;
  }

  int Submit() override {
    size_t allowed = queued_.size();
    if (!submits.empty()) {
      const int next = submits.front();
      submits.pop_front();
      if (next < 0) return next;
      allowed = std::min(allowed, static_cast<size_t>(next));
    } else if (refuse_for_good) {
      return -EIO;
    }
    for (size_t i = 0; i < allowed; ++i) {
      in_flight_.push_back(queued_.front());
      queued_.pop_front();
    }
    in_flight_max = std::max(in_flight_max, in_flight_.size());
    FinishSome();
    return static_cast<int>(allowed);
  }

  bool PushWake(uint64_t) override { return false; }

  int Wait(int64_t) override {
    EXPECT_FALSE(in_flight_.empty() && done_.empty()) << "a wait without a call in flight would hang";
    if (interrupt_waits && random_() % 3 == 0) return -EINTR;
    FinishSome();
    return 0;
  }

  size_t Reap(std::span<Completion> out) override {
    size_t count = 0;
    for (; count < out.size() && !done_.empty(); ++count) {
      out[count] = done_.front();
      done_.pop_front();
    }
    return count;
  }

 private:
  void FinishSome() {
    if (in_flight_.empty()) return;
    std::shuffle(in_flight_.begin(), in_flight_.end(), random_);
    for (size_t n = random_() % in_flight_.size() + 1; n > 0; --n) {
      done_.push_back(Finish(in_flight_.back()));
      in_flight_.pop_back();
    }
  }

  Completion Finish(const Call& call) {
    uint64_t moved = call.buffer.size();
    if (short_transfers && random_() % 2 == 0) moved = random_() % moved + 1;
    std::byte* const here = memory.data() + call.offset.value();
    if (call.kind == IoKind::kRead) {
      std::memcpy(call.buffer.data(), here, moved);
    } else {
      std::memcpy(here, call.buffer.data(), moved);
    }
    return {.tag = call.tag, .result = static_cast<int64_t>(moved)};
  }

  std::mt19937_64 random_;
  std::deque<Call> queued_;
  std::vector<Call> in_flight_;
  std::deque<Completion> done_;
};

class RingBatchTest : public testing::Test {
 protected:
  static constexpr uint64_t kRequestBytes = 4 * kBlockAlign;
  static constexpr uint64_t kRequests = 40;

  // Writes random bytes to every other request's range and reads the ranges between.
  void Prepare(uint64_t seed) {
    std::mt19937_64 random(seed);
    ring = std::make_unique<ScriptedRing>(kRequests * kRequestBytes, seed);
    FillRandom(ring->memory, random);
    buffer = RandomBuffer(kRequests * kRequestBytes, random);
    expected = ring->memory;
    batch.clear();
    ended.assign(kRequests, 0);
    for (uint64_t i = 0; i < kRequests; ++i) {
      const Bytes part = buffer.bytes().subspan(i * kRequestBytes, kRequestBytes);
      const bool write = i % 2 == 0;
      if (write) std::memcpy(expected.data() + i * kRequestBytes, part.data(), part.size());
      batch.push_back({.kind = write ? IoKind::kWrite : IoKind::kRead,
                       .offset = DeviceOffset(i * kRequestBytes),
                       .buffer = part});
    }
  }

  bool Run(uint32_t depth) {
    const BlockDevice::OnDone on_done = [this](size_t index) { ++ended[index]; };
    return RingBatch(*ring, {.depth = depth, .path = path}, batch, on_done).Run();
  }

  void ExpectAllDone() {
    for (uint64_t i = 0; i < kRequests; ++i) {
      EXPECT_TRUE(batch[i].status.ok()) << i << ": " << batch[i].status.ToString();
      EXPECT_EQ(ended[i], 1) << i;
    }
    EXPECT_TRUE(SameBytes(ring->memory, expected));
    EXPECT_TRUE(SameBytes(buffer.bytes(), expected));
  }

  const std::string path = "/dev/x";
  std::unique_ptr<ScriptedRing> ring;
  AlignedBuffer buffer;
  std::vector<std::byte> expected;
  std::vector<IoRequest> batch;
  std::vector<int> ended;
};

TEST_F(RingBatchTest, EndsEveryRequestOnceForAnyKernelBehaviour) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Prepare(seed);
    std::mt19937_64 random(seed);
    for (int i = 0; i < 20; ++i) {
      const int choices[] = {1, 3, 0, -EINTR, -EAGAIN, -EBUSY};
      ring->submits.push_back(choices[random() % std::size(choices)]);
    }
    ring->interrupt_waits = true;
    ring->short_transfers = true;
    const auto depth = static_cast<uint32_t>(1 + random() % 50);
    ASSERT_TRUE(Run(depth));
    ExpectAllDone();
    EXPECT_LE(ring->in_flight_max, depth);
    if (testing::Test::HasFailure()) return;
  }
}

TEST_F(RingBatchTest, KeepsTheQueueFullUpToItsDepth) {
  Prepare(1);
  ASSERT_TRUE(Run(16));
  ExpectAllDone();
  EXPECT_EQ(ring->in_flight_max, 16u);
}

TEST_F(RingBatchTest, WorksWithARingSmallerThanTheDepth) {
  Prepare(1);
  ring->entries = 3;
  ASSERT_TRUE(Run(16));
  ExpectAllDone();
}

TEST_F(RingBatchTest, WaitsForRequestsInFlightAfterTheRingFails) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Prepare(seed);
    ring->submits = {5, 2};
    ring->refuse_for_good = true;
    ring->interrupt_waits = true;
    ring->short_transfers = seed % 2 == 0;  // a short transfer cannot continue
    EXPECT_FALSE(Run(8)) << "a ring with calls that the kernel never took must not be used again";
    uint64_t done = 0;
    for (uint64_t i = 0; i < kRequests; ++i) {
      EXPECT_EQ(ended[i], 1);
      if (batch[i].status.ok()) {
        ++done;
      } else {
        EXPECT_EQ(batch[i].status.code(), StatusCode::kIoError);
        EXPECT_NE(batch[i].status.message().find("takes no more requests"), std::string::npos);
      }
    }
    EXPECT_LE(done, 7u) << "the other requests were not submitted";
    EXPECT_TRUE(done == 7 || ring->short_transfers) << "the batch waited for the calls that the kernel took";
  }
}

TEST_F(RingBatchTest, FailsIfTheKernelNeverTakesACall) {
  Prepare(1);
  ring->submits.assign(1000, -EAGAIN);
  EXPECT_FALSE(Run(8));
  for (const IoRequest& request : batch) EXPECT_EQ(request.status.code(), StatusCode::kIoError);
  EXPECT_EQ(ended, std::vector<int>(kRequests, 1));
}

}  // namespace
}  // namespace rawkv
