// The system refuses to start threads. Every call returns a Status, and the store works again once threads
// can be started.

#include <functional>

#include "engine/admin/inspect.h"
#include "engine/admin/repair.h"
#include "engine/transfer/transfer.h"
#include "tests/engine/engine_fixture.h"
#include "tests/support/thread_limit.h"

namespace rawkv {
namespace {

void ExpectNamesThreads(const Status& status) {
  EXPECT_STATUS(status, StatusCode::kIoError, "threads");
}

class ThreadShortageTest : public EngineTest {
 protected:
  // Opens the store with 0, 1, 2, … threads until the open succeeds. After each failed open the store must
  // work.
  void OpenWithMoreAndMoreThreads() {
    constexpr int64_t kMost = 16;
    for (int64_t threads = 0; threads <= kMost; ++threads) {
      {
        const ThreadLimit limit(threads);
        Result<std::unique_ptr<Engine>> engine = Engine::Open(dir_, open_);
        if (!engine.ok()) ExpectNamesThreads(engine.status());
        if (engine.ok()) {
          EXPECT_TRUE((*engine)->Close().ok());
        }
        if (limit.refused() == 0) {
          ASSERT_OK(engine);
          return;
        }
      }
      Open();
      Put("after", std::to_string(threads));
      EXPECT_TRUE(engine_->CreateSnapshot().ok());
      EXPECT_EQ(Get("after"), std::to_string(threads));
      Close();
    }
    ADD_FAILURE() << "an open needs more than " << kMost << " threads";
  }

  // Calls `call` without threads. The call succeeds if it needs none, and otherwise its error names threads.
  // Repeated with threads, the call must succeed.
  void CallWithoutThreads(const std::function<Status()>& call) {
    {
      const ThreadLimit limit(0);
      const Status status = call();
      if (status.ok()) return;
      EXPECT_GT(limit.refused(), 0u) << status.ToString();
      ExpectNamesThreads(status);
    }
    EXPECT_OK(call());
  }
};

TEST_F(ThreadShortageTest, OpenReturnsAnErrorForEachMissingThread) {
  Format();
  OpenWithMoreAndMoreThreads();
  Open();
}

TEST_F(ThreadShortageTest, ReadOnlyOpenReturnsAnErrorForEachMissingThread) {
  FormatAndOpen();
  Put("a", "1");
  Close();
  for (int64_t threads = 0; threads < 4; ++threads) {
    const ThreadLimit limit(threads);
    OpenOptions reading = open_;
    reading.read_only = true;
    Result<std::unique_ptr<Engine>> engine = Engine::Open(dir_, reading);
    if (!engine.ok()) ExpectNamesThreads(engine.status());
    EXPECT_TRUE(engine.ok() || limit.refused() > 0) << engine.status().ToString();
  }
  Open();
  EXPECT_EQ(Get("a"), "1");
}

TEST_F(ThreadShortageTest, CallsOnAnOpenStoreReturnAnError) {
  FormatAndOpen();
  Put("a", OneSlot(1));
  ASSERT_TRUE(engine_->CreateSnapshot().ok());
  const Version old = Put("a", OneSlot(2));
  Put("a", OneSlot(3));
  CallWithoutThreads([&] { return engine_->Get("a").status(); });
  CallWithoutThreads([&] {
    WriteBatch batch;
    batch.Put("b", OneSlot(4));
    return engine_->Commit(batch).status;
  });
  CallWithoutThreads([&] { return engine_->CreateSnapshot().status(); });
  CallWithoutThreads([&] { return engine_->OpenView(old).status(); });
  CallWithoutThreads([&] { return engine_->NewIterator().status(); });
  CallWithoutThreads([&] { return engine_->Info().status(); });
  CallWithoutThreads([&] { return engine_->Scrub({.bytes_per_second = 0}).status(); });
  CallWithoutThreads([&] { return engine_->Export({.version = old, .out = Path("../out")}); });
  EXPECT_EQ(Get("a"), OneSlot(3));
}

TEST_F(ThreadShortageTest, FailedScrubStartLeavesNoScrubRunning) {
  FormatAndOpen();
  Put("a", OneSlot(1));
  {
    const ThreadLimit limit(0);
    ExpectNamesThreads(engine_->StartScrub());
    EXPECT_FALSE(engine_->scrub_report().running);
  }
  EXPECT_TRUE(engine_->Scrub({.bytes_per_second = 0}).ok());
  EXPECT_TRUE(engine_->StartScrub().ok());
  (void)engine_->StopScrub();
}

TEST_F(ThreadShortageTest, RollbackWithoutThreadsLeavesAStoreThatOpens) {
  FormatAndOpen();
  const Version target = Put("a", "1");
  Put("a", "2");
  {
    const ThreadLimit limit(0);
    (void)engine_->Rollback(target);
  }
  Reopen();
  const std::string value = Get("a");
  EXPECT_TRUE(value == "1" || value == "2") << value;
  Put("a", "3");
}

TEST_F(ThreadShortageTest, CallsOnAClosedStoreReturnAnError) {
  FormatAndOpen();
  const Version first = Put("a", OneSlot(1));
  Put("a", OneSlot(2));
  ASSERT_TRUE(engine_->Export({.version = first, .out = Path("../out")}).ok());
  Close();
  CallWithoutThreads([&] { return CheckStore(dir_, {.deep = true}, open_).status(); });
  CallWithoutThreads([&] { return VerifySnapshots(dir_, std::nullopt, open_).status(); });
  CallWithoutThreads([&] { return InspectStore(dir_, open_).status(); });
  CallWithoutThreads([&] { return ListSnapshots(dir_, open_).status(); });
  CallWithoutThreads(
      [&] { return ImportStore(tmp_.File("imported"), {.in = Path("../out"), .format = format_}).status(); });
  CallWithoutThreads([&] { return OfflineRollback(dir_, first, {}, open_); });
  Open();
  EXPECT_EQ(Get("a"), OneSlot(1));
}

}  // namespace
}  // namespace rawkv
