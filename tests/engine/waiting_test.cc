// Calls that do not wait while another thread builds a snapshot or opens an old view, and the results of that
// long work.

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <thread>

#include "engine/live/operation_gate.h"
#include "tests/engine/engine_fixture.h"

namespace rawkv {
namespace {

// A point where one thread stops until the test releases it.
class Stop {
 public:
  void Reach() {
    if (reached_.exchange(true)) return;  // only the first thread stops
    arrived_.set_value();
    released_.get_future().wait();
  }
  void AwaitArrival() { arrived_.get_future().wait(); }
  void Release() { released_.set_value(); }

 private:
  std::atomic<bool> reached_{false};
  std::promise<void> arrived_;
  std::promise<void> released_;
};

// Stops the thread that builds a snapshot when it reads the time for the MANIFEST.
class StoppingClock final : public Clock {
 public:
  uint64_t MonotonicNs() override { return SystemClock().MonotonicNs(); }
  uint64_t NowUnixMs() override {
    if (std::this_thread::get_id() == thread_.load()) stop_.Reach();
    return SystemClock().NowUnixMs();
  }
  void StopThisThread() { thread_ = std::this_thread::get_id(); }
  Stop& stop() { return stop_; }

 private:
  std::atomic<std::thread::id> thread_{};
  Stop stop_;
};

class WaitingTest : public EngineTest {
 protected:
  // Fails if `call` does not end while the long work is stopped. The limit of 60 seconds is far above the
  // time of any call.
  static void ExpectEnds(const char* name, const std::function<Status()>& call) {
    std::future<Status> ended = std::async(std::launch::async, call);
    const bool in_time = ended.wait_for(std::chrono::seconds(60)) == std::future_status::ready;
    EXPECT_TRUE(in_time) << name << " waits for the work that is under way";
    if (in_time) EXPECT_OK(ended.get()) << name;
    if (!in_time) std::abort();  // the future's destructor would wait forever
  }
  void ExpectShortCallsEnd() {
    ExpectEnds("Sync", [&] { return engine_->Sync(); });
    ExpectEnds("Info", [&] { return engine_->Info().status(); });
    ExpectEnds("GetCommit", [&] { return engine_->GetCommit(engine_->version()).status(); });
    ExpectEnds("OpenView", [&] { return engine_->OpenView().status(); });
    ExpectEnds("Commit", [&] { return engine_->Commit(WriteBatch()).status; });
    ExpectEnds("PlanRollback", [&] { return engine_->PlanRollback(engine_->version()).status(); });
  }

  StoppingClock clock_;
  Stop replay_;
  std::atomic<bool> stop_replay_{false};
};

TEST_F(WaitingTest, CallsDoNotWaitForASnapshotBuild) {
  open_.env.clock = &clock_;
  FormatAndOpen();
  const Version old = Put("a", "1");
  ASSERT_OK(engine_->CreateSnapshot());
  const Version newer = Put("a", "2");
  Put("a", "3");
  std::future<Result<Version>> snapshot = std::async(std::launch::async, [&] {
    clock_.StopThisThread();
    return engine_->CreateSnapshot();
  });
  clock_.stop().AwaitArrival();
  ExpectShortCallsEnd();
  ExpectEnds("OpenView of an old version", [&] {
    const auto view = engine_->OpenView(newer);
    if (view.ok()) {
      const auto value = engine_->Get("a", {.view = view->get()});
      EXPECT_EQ(value.ok() ? value->bytes : "", "2");
    }
    return view.status();
  });
  ExpectEnds("Pin", [&] { return engine_->Pin("old", old).status(); });
  ExpectEnds("Prune", [&] { return engine_->Prune(0).status(); });
  ExpectEnds("Unpin", [&] { return engine_->Unpin("old"); });
  clock_.stop().Release();
  EXPECT_OK(snapshot.get());
  EXPECT_EQ(Get("a"), "3");
}

TEST_F(WaitingTest, CallsDoNotWaitForAnOldViewAndItsLogIsKept) {
  format_.runtime.durability = Durability::kUnsafeUnsynced;
  format_.runtime.wal_segment_bytes = 64 * kKiB;
  Format();
  open_.progress = [this](const Progress& p) {
    if (stop_replay_ && std::string(p.what) == "replay") replay_.Reach();
  };
  Open();
  // More records than one batch of the replay holds, in many segments.
  for (uint64_t i = 0; i < 2500; ++i) Put("k" + std::to_string(i % 10), "value " + std::to_string(i));
  const Version old(engine_->version().value() - 20);
  Put("k0", "last");
  stop_replay_ = true;
  std::future<Result<std::shared_ptr<const ReadView>>> view =
      std::async(std::launch::async, [&] { return engine_->OpenView(old); });
  replay_.AwaitArrival();
  ExpectShortCallsEnd();
  ExpectEnds("CreateSnapshot", [&] { return engine_->CreateSnapshot().status(); });
  ExpectEnds("Prune", [&] { return engine_->Prune(0).status(); });
  replay_.Release();
  ASSERT_OK_AND_ASSIGN(const std::shared_ptr<const ReadView> opened, view.get());
  for (uint64_t key = 0; key < 10; ++key) {
    const Result<Value> value = engine_->Get("k" + std::to_string(key), {.view = opened.get()});
    ASSERT_OK(value);
    EXPECT_LE(value->written_by, old);
    // Version v wrote "value <v - 1>".
    EXPECT_EQ(value->bytes, "value " + std::to_string(value->written_by.value() - 1));
  }
}

TEST(OperationGate, ShutWaitsForOperationsInside) {
  OperationGate gate;
  std::atomic<bool> left{false};
  std::promise<void> inside;
  std::thread operation([&] {
    const Result<OperationGate::Pass> pass = gate.Enter();
    EXPECT_OK(pass);
    inside.set_value();
    // Shut refuses new operations before it waits for this one.
    while (gate.EnterUnlessShut().ok()) std::this_thread::yield();
    left = true;
  });
  inside.get_future().wait();
  {
    const OperationGate::Shut shut(gate, Status::FailedPrecondition("alone"));
    EXPECT_TRUE(left);
    EXPECT_EQ(gate.EnterUnlessShut().status().message(), "alone");
  }
  operation.join();
  EXPECT_OK(gate.EnterUnlessShut());
}

TEST(OperationGate, EnterWaitsUntilTheGateIsOpenAgain) {
  OperationGate gate;
  std::atomic<bool> reopened{false};
  std::thread operation;
  {
    const OperationGate::Shut shut(gate, Status::FailedPrecondition("alone"));
    operation = std::thread([&] {
      EXPECT_OK(gate.Enter());
      EXPECT_TRUE(reopened);
    });
    reopened = true;
  }
  operation.join();
}

TEST(OperationGate, CloseRefusesPermanentlyEvenAfterARollback) {
  OperationGate gate;
  gate.Close(Status::FailedPrecondition("closed"));
  { const OperationGate::Shut shut(gate, Status::FailedPrecondition("alone")); }
  EXPECT_EQ(gate.Enter().status().message(), "closed");
  EXPECT_EQ(gate.EnterUnlessShut().status().message(), "closed");
}

}  // namespace
}  // namespace rawkv
