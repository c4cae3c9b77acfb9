// The n-th allocation of a call fails, and all that follow: the call answers with a Status, does not hang,
// and afterwards the store works on or, poisoned by name, works when it is reopened.

#include <functional>

#include "tests/engine/engine_fixture.h"
#include "tests/support/memory_limit.h"

namespace rawkv {
namespace {

// Every allocation at first, then ever fewer: what is at stake repeats.
uint64_t NextLimit(uint64_t n) {
  return n < 24 ? n + 1 : n + n / 6;
}

class MemoryShortageTest : public EngineTest {
 protected:
  static constexpr uint64_t kMost = 200'000;

  // Calls `call` with 0, 1, 2, … allocations until they suffice, and `check` after each.
  void WithEverMoreMemory(const std::function<Status()>& call, const std::function<void()>& check) {
    for (uint64_t n = 0; n < kMost; n = NextLimit(n)) {
      SCOPED_TRACE(std::to_string(n) + " allocations");
      Status status;
      bool reached = false;
      {
        const AllocationLimit limit(n);
        status = call();
        reached = limit.reached();
      }
      if (!reached) {
        EXPECT_TRUE(status.ok()) << status.ToString();
        return;
      }
      check();
      if (testing::Test::HasFailure()) return;
    }
    ADD_FAILURE() << "more than " << kMost << " allocations";
  }

  // A commit is possible now, or once the engine that says that it is poisoned has been reopened.
  void ExpectWorks() {
    WriteBatch batch;
    batch.Put("probe", OneSlot(++probes_));
    CommitResult result = engine_->Commit(batch);
    if (result.status.code() == StatusCode::kPoisoned) {
      ++poisoned_;
      engine_.reset();
      Open();
      result = engine_->Commit(batch);
    }
    ASSERT_TRUE(result.ok()) << result.status.ToString();
    ASSERT_EQ(Get("probe"), OneSlot(probes_));
    ASSERT_EQ(Get("kept"), OneSlot(1));
  }

  void SetUp() override {
    FormatAndOpen();
    Put("kept", OneSlot(1));
    old_ = Put("small", "1");
    ASSERT_TRUE(engine_->CreateSnapshot().ok());
    Put("small", "2");
  }

  Version old_;
  uint64_t probes_ = 100;
  uint64_t poisoned_ = 0;
};

TEST_F(MemoryShortageTest, OpenAnswersAndTheStoreOpensAfterwards) {
  Close();
  WithEverMoreMemory(
      [&] {
        Result<std::unique_ptr<Engine>> engine = Engine::Open(dir_, open_);
        if (!engine.ok()) return engine.status();
        engine_ = *std::move(engine);
        return Status::Ok();
      },
      [&] {
        if (engine_ == nullptr) Open();
        ExpectWorks();
        Close();
        engine_.reset();
      });
}

TEST_F(MemoryShortageTest, CommitSaysWhetherItIsApplied) {
  std::string expected = "none";
  const std::string value = OneSlot(7);
  CommitResult result;
  WithEverMoreMemory(
      [&] {
        WriteBatch batch;
        batch.Put("new", value);
        batch.Put("new inline", "7");
        batch.Delete("absent");
        result = engine_->Commit(batch);
        return result.status;
      },
      [&] {
        const CommitOutcome outcome = result.outcome;
        EXPECT_EQ(outcome == CommitOutcome::kApplied, result.ok());
        if (outcome == CommitOutcome::kUnknown) {
          WriteBatch batch;
          EXPECT_EQ(engine_->Commit(batch).status.code(), StatusCode::kPoisoned);
        }
        ExpectWorks();
        if (outcome == CommitOutcome::kApplied) expected = value;
        if (outcome != CommitOutcome::kUnknown) {
          EXPECT_EQ(Has("new"), expected == value);
        } else if (Has("new")) {
          expected = value;
        }
        EXPECT_EQ(Has("new"), Has("new inline"));
        Delete("new");
        Delete("new inline");
        expected = "none";
      });
}

TEST_F(MemoryShortageTest, ReadsAnswer) {
  WithEverMoreMemory([&] { return engine_->Get("kept").status(); }, [&] { ExpectWorks(); });
  WithEverMoreMemory([&] { return engine_->Exists("kept").status(); }, [&] { ExpectWorks(); });
  const std::vector<std::string_view> keys{"kept", "small", "absent", "probe"};
  WithEverMoreMemory(
      [&] {
        const std::vector<Result<Value>> values = engine_->MultiGet(keys);
        EXPECT_TRUE(values.empty() || values.size() == keys.size());
        return Status::Ok();
      },
      [&] { ExpectWorks(); });
  WithEverMoreMemory(
      [&]() -> Status {
        RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<Iterator> it, engine_->NewIterator());
        for (it->SeekToFirst(); it->Valid(); it->Next()) {
          RAWKV_RETURN_IF_ERROR(it->ReadValue().status());
        }
        return it->status();
      },
      [&] { ExpectWorks(); });
  WithEverMoreMemory([&] { return engine_->OpenView(old_).status(); }, [&] { ExpectWorks(); });
  WithEverMoreMemory([&] { return engine_->GetCommit(old_).status(); }, [&] { ExpectWorks(); });
  WithEverMoreMemory([&] { return engine_->Info().status(); }, [&] { ExpectWorks(); });
}

TEST_F(MemoryShortageTest, SnapshotsAndRetentionAnswer) {
  WithEverMoreMemory([&] { return engine_->CreateSnapshot().status(); }, [&] { ExpectWorks(); });
  WithEverMoreMemory([&] { return engine_->Pin("p").status(); },
                     [&] {
                       ExpectWorks();
                       (void)engine_->Unpin("p");
                     });
  WithEverMoreMemory([&] { return engine_->Prune(0).status(); }, [&] { ExpectWorks(); });
  WithEverMoreMemory([&] { return engine_->Scrub({.bytes_per_second = 0}).status(); },
                     [&] { ExpectWorks(); });
  WithEverMoreMemory([&] { return engine_->StartScrub({.bytes_per_second = 0}); },
                     [&] {
                       (void)engine_->StopScrub();
                       ExpectWorks();
                     });
  (void)engine_->StopScrub();
}

TEST_F(MemoryShortageTest, RollbackIsDoneOrNot) {
  WithEverMoreMemory([&] { return engine_->Rollback(engine_->version()); }, [&] { ExpectWorks(); });
  Version target = engine_->version();
  Put("small", "3");
  WithEverMoreMemory([&] { return engine_->Rollback(target); },
                     [&] {
                       ExpectWorks();
                       target = engine_->version();
                       Put("small", "4");
                     });
}

TEST_F(MemoryShortageTest, CloseAnswersAndTheStoreOpensAfterwards) {
  WithEverMoreMemory([&] { return engine_->Close(); },
                     [&] {
                       engine_.reset();
                       Open();
                       ExpectWorks();
                     });
  Open();
}

TEST_F(MemoryShortageTest, BatchKeepsItsErrorForCommit) {
  WriteBatch batch;
  {
    const AllocationLimit limit(0);
    batch.Put("a key that is longer than what fits into a string", "v");
  }
  EXPECT_EQ(batch.status().code(), StatusCode::kIoError);
  const CommitResult result = engine_->Commit(batch);
  EXPECT_EQ(result.outcome, CommitOutcome::kNotApplied);
  EXPECT_EQ(result.status.code(), StatusCode::kIoError) << result.status.ToString();
  batch.Clear();
  EXPECT_TRUE(engine_->Commit(batch).ok());
}

}  // namespace
}  // namespace rawkv
