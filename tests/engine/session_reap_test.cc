// Who reaps the ring of a session: threads that wait and drain, close, ask for the descriptor, or wait for
// readers.

#include <poll.h>

#include <mutex>
#include <set>
#include <thread>

#include "blockdev/aligned_buffer.h"
#include "tests/engine/engine_fixture.h"

namespace rawkv {
namespace {

class SessionReapTest : public EngineTest {
 protected:
  void SetUp() override {
    open_.engine = IoEngine::kIoUring;
    ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
    Result<std::unique_ptr<Session>> opened = engine_->OpenSession();
    ASSERT_OK(opened);
    session_ = *std::move(opened);
    for (int i = 0; i < 64; ++i) memory_.emplace_back(8 * kKiB);
  }
  void TearDown() override {
    session_.reset();
    EngineTest::TearDown();
  }
  uint64_t SubmitRead(std::string_view key, size_t buffer) {
    const SessionRead read{.key = key, .out = memory_[buffer].bytes()};
    const Result<uint64_t> id = session_->SubmitGet(std::span(&read, 1));
    EXPECT_OK(id);
    return id.ok() ? *id : 0;
  }

  std::unique_ptr<Session> session_;
  std::vector<AlignedBuffer> memory_;
};

// A reader keeps the slots that it found. The thread that reclaims them finishes reads whose caller does not
// come back.
TEST_F(SessionReapTest, SlotsAreReclaimedThoughNobodyDrains) {
  Put("k", OneSlot(1));
  for (size_t i = 0; i < 20; ++i) SubmitRead("k", i);
  Overwrite("k", 5);
  EXPECT_OK(engine_->CreateSnapshot());
  EXPECT_OK(engine_->Prune(0));
  std::vector<SessionCompletion> done(32);
  EXPECT_EQ(session_->Drain(done), 20u);
  for (const SessionCompletion& one : std::span(done).first(20)) {
    ASSERT_OK(one.answers.at(0).status);
  }
  EXPECT_EQ(AsStringView(memory_[0].bytes().first(OneSlot(1).size())), OneSlot(1));
}

TEST_F(SessionReapTest, DrainAloneFinishesReads) {
  Put("k", OneSlot(1));
  for (size_t i = 0; i < 40; ++i) SubmitRead("k", i);
  std::set<uint64_t> ids;
  std::vector<SessionCompletion> done(8);
  while (ids.size() < 40) {
    const size_t count = session_->Drain(done);
    for (size_t i = 0; i < count; ++i) {
      EXPECT_OK(done[i].answers.at(0).status);
      EXPECT_TRUE(ids.insert(done[i].id).second);
    }
    if (count == 0) std::this_thread::yield();
  }
  EXPECT_FALSE(session_->Wait(-1));
}

TEST_F(SessionReapTest, DescriptorThatIsAskedForLateBecomesReadable) {
  Put("k", OneSlot(1));
  size_t drained = 0;
  for (int round = 0; round < 20; ++round) {
    for (size_t i = 0; i < 3; ++i) SubmitRead("k", i);
    pollfd readable{.fd = session_->event_fd(), .events = POLLIN, .revents = 0};
    for (size_t in_round = 0; in_round < 3;) {
      ASSERT_EQ(::poll(&readable, 1, /*timeout=*/60'000), 1);
      std::vector<SessionCompletion> done(1);
      const size_t count = session_->Drain(done);
      EXPECT_EQ(count, 1u) << "a readable descriptor means that a completion waits";
      in_round += count;
    }
    EXPECT_EQ(::poll(&readable, 1, 0), 0);
    drained += 3;
  }
  EXPECT_EQ(session_->stats().completed, drained);
}

// A thread that waits for the ring also gets completions that do not come from it.
TEST_F(SessionReapTest, ThreadsShareOneSession) {
  Put("k", OneSlot(1));
  constexpr uint64_t kThreads = 4, kOperations = 1500;
  std::mutex mu;
  std::set<uint64_t> ids;
  const auto drain = [&] {
    std::vector<SessionCompletion> done(4);
    const size_t count = session_->Drain(done);
    const std::lock_guard lock(mu);
    for (const SessionCompletion& one : std::span(done).first(count)) {
      EXPECT_OK(one.status);
      for (const SessionAnswer& answer : one.answers) EXPECT_OK(answer.status);
      EXPECT_TRUE(ids.insert(one.id).second) << "operation " << one.id << " completed twice";
    }
  };
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const std::string own = "c" + std::to_string(t);
      for (uint64_t i = 0; i < kOperations; ++i) {
        if (i % 16 == 0) {
          WriteBatch batch;
          batch.Put(own, OneSlot(100 + t));  // the same bytes each time, since reads share their memory
          EXPECT_OK(session_->SubmitCommit(std::move(batch), {.durability = Durability::kUnsafeUnsynced}));
        } else if (i % 16 == 1) {
          SubmitRead(own, t);  // waits for the commit
        } else {
          SubmitRead("k", 4 + t);
        }
        if (i % 8 == 0 && session_->Wait(i % 3 == 0 ? -1 : 1)) drain();
      }
      while (session_->Wait(-1)) drain();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ids.size(), kThreads * kOperations);
  EXPECT_EQ(session_->stats().bytes_in_flight, 0u);
}

}  // namespace
}  // namespace rawkv
