#include "blockdev/ring_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace rawkv {
namespace {

class IdleRing final : public IoRing {
 public:
  bool Push(const Call&) override { return false; }
  int Submit() override { return 0; }
  bool PushWake(uint64_t) override { return false; }
  int Wait(int64_t) override { return 0; }
  size_t Reap(std::span<Completion>) override { return 0; }
};

Result<std::unique_ptr<IoRing>> MakeIdle() {
  return std::unique_ptr<IoRing>(std::make_unique<IdleRing>());
}
Result<std::unique_ptr<IoRing>> MakeNone() {
  return Status::NotSupported("no more");
}

TEST(RingPool, UsesAnIdleRingBeforeItMakesOne) {
  int made = 0;
  RingPool pool(std::make_unique<IdleRing>(), [&] {
    ++made;
    return MakeIdle();
  });
  for (int i = 0; i < 3; ++i) {
    auto ring = pool.Take();
    ASSERT_TRUE(ring.ok());
    pool.Return(*std::move(ring));
  }
  EXPECT_EQ(made, 0);
  auto first = pool.Take();
  auto second = pool.Take();
  EXPECT_EQ(made, 1);
  pool.Return(*std::move(first));
  pool.Return(*std::move(second));
}

TEST(RingPool, IsBoundedAndWaitsForAReturn) {
  RingPool pool(std::make_unique<IdleRing>(), MakeIdle);
  std::vector<std::unique_ptr<IoRing>> taken;
  for (size_t i = 0; i < RingPool::kMaxRings; ++i) taken.push_back(*pool.Take());
  std::atomic<bool> got{false};
  std::thread waiter([&] {
    auto ring = pool.Take();
    got = true;
    pool.Return(*std::move(ring));
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(got);
  pool.Return(std::move(taken.back()));
  taken.pop_back();
  waiter.join();
  EXPECT_TRUE(got);
  for (auto& ring : taken) pool.Return(std::move(ring));
}

TEST(RingPool, SharesExistingRingsIfNoMoreCanBeMade) {
  RingPool pool(std::make_unique<IdleRing>(), MakeNone);
  std::atomic<int> active{0};
  std::vector<std::thread> threads(4);
  for (std::thread& thread : threads) {
    thread = std::thread([&] {
      for (int i = 0; i < 200; ++i) {
        auto ring = pool.Take();
        ASSERT_TRUE(ring.ok());
        EXPECT_EQ(++active, 1);
        --active;
        pool.Return(*std::move(ring));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(RingPool, ReplacesADestroyedRingOrReturnsTheError) {
  bool allowed = true;
  RingPool pool(std::make_unique<IdleRing>(), [&] { return allowed ? MakeIdle() : MakeNone(); });
  ASSERT_TRUE(pool.Take().ok());
  pool.Return(nullptr);
  ASSERT_TRUE(pool.Take().ok());
  pool.Return(nullptr);
  allowed = false;
  EXPECT_EQ(pool.Take().status().code(), StatusCode::kNotSupported);
  allowed = true;
  auto ring = pool.Take();
  ASSERT_TRUE(ring.ok());
  pool.Return(*std::move(ring));
}

}  // namespace
}  // namespace rawkv
