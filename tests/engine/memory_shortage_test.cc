// The n-th allocation of a call fails, and all later ones too. The call must return a Status and must not
// hang. Afterwards the store works, or the engine reports that it is poisoned and the store works once it is
// reopened.

#include <functional>

#include "engine/transfer/chunk_transfer.h"
#include "tests/engine/engine_fixture.h"
#include "tests/support/memory_limit.h"

namespace rawkv {
namespace {

// Tries every limit up to 24 and then steps of a sixth, because later allocations repeat the same work.
uint64_t NextLimit(uint64_t n) {
  return n < 24 ? n + 1 : n + n / 6;
}

class MemoryShortageTest : public EngineTest {
 protected:
  static constexpr uint64_t kMost = 200'000;

  // Calls `call` with a limit of 0, 1, 2, … allocations until the limit is not reached, and `check` after
  // each call that reached its limit.
  void RepeatWithMoreMemory(const std::function<Status()>& call, const std::function<void()>& check) {
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
        EXPECT_OK(status);
        return;
      }
      check();
      if (testing::Test::HasFailure()) return;
    }
    ADD_FAILURE() << "more than " << kMost << " allocations";
  }

  // Expects that a commit succeeds. A poisoned engine is reopened first.
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
    format_.meta_total_bytes = 128 * kKiB;
    open_.checkpoint_interval_ms = 0;
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

TEST_F(MemoryShortageTest, OpenReturnsAnErrorAndSucceedsLater) {
  Close();
  RepeatWithMoreMemory(
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

TEST_F(MemoryShortageTest, CommitReportsWhetherItWasApplied) {
  const std::string value = OneSlot(7);
  CommitResult result;
  RepeatWithMoreMemory(
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
        if (outcome != CommitOutcome::kUnknown) {
          EXPECT_EQ(Has("new"), outcome == CommitOutcome::kApplied);
        }
        EXPECT_EQ(Has("new"), Has("new inline"));
        Delete("new");
        Delete("new inline");
      });
}

TEST_F(MemoryShortageTest, ReadsReturnAnError) {
  RepeatWithMoreMemory([&] { return engine_->Get("kept").status(); }, [&] { ExpectWorks(); });
  RepeatWithMoreMemory([&] { return engine_->Exists("kept").status(); }, [&] { ExpectWorks(); });
  const std::vector<std::string_view> keys{"kept", "small", "absent", "probe"};
  std::vector<std::byte> memory(keys.size() << 20);
  std::vector<SessionRead> reads;
  for (const std::string_view key : keys)
    reads.push_back({key, Bytes(memory).subspan(reads.size() << 20, 1 << 20)});
  RepeatWithMoreMemory(
      [&] {
        const std::vector<Result<Value>> values = engine_->MultiGet(keys);
        EXPECT_TRUE(values.empty() || values.size() == keys.size());
        const std::vector<SessionAnswer> answers = engine_->MultiGetInto(reads);
        EXPECT_TRUE(answers.empty() || answers.size() == reads.size());
        return Status::Ok();
      },
      [&] { ExpectWorks(); });
  RepeatWithMoreMemory(
      [&]() -> Status {
        RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<Iterator> it, engine_->NewIterator());
        for (it->SeekToFirst(); it->Valid(); it->Next()) {
          RAWKV_RETURN_IF_ERROR(it->ReadValue().status());
        }
        return it->status();
      },
      [&] { ExpectWorks(); });
  RepeatWithMoreMemory([&] { return engine_->OpenView(old_).status(); }, [&] { ExpectWorks(); });
  RepeatWithMoreMemory([&] { return engine_->GetCommit(old_).status(); }, [&] { ExpectWorks(); });
  RepeatWithMoreMemory([&] { return engine_->Info().status(); }, [&] { ExpectWorks(); });
}

TEST_F(MemoryShortageTest, SendingAndReceivingChunksReturnsAnError) {
  ASSERT_OK(engine_->Export({.version = engine_->version(), .out = tmp_.File("sent"), .progress = {}}));
  const std::string sent = tmp_.File("sent"), received = tmp_.File("received");
  std::vector<std::byte> chunk(kMaxTransferChunkBytes);
  const auto transfer = [&]() -> Status {
    RAWKV_ASSIGN_OR_RETURN(const auto reader, ExportReader::Open(sent));
    RAWKV_ASSIGN_OR_RETURN(const auto receiver, ExportReceiver::Open(received, reader->summary().hash));
    for (uint64_t i = 0; i < reader->summary().chunk_count; ++i) {
      RAWKV_ASSIGN_OR_RETURN(const uint64_t bytes, reader->Read(i, chunk));
      RAWKV_RETURN_IF_ERROR(receiver->Add(i, ConstBytes(chunk).first(bytes)));
    }
    return receiver->complete() ? Status::Ok() : Status::Internal("chunks are missing");
  };
  RepeatWithMoreMemory(transfer, [&] { ExpectWorks(); });
}

TEST_F(MemoryShortageTest, SnapshotAndRetentionCallsReturnAnError) {
  RepeatWithMoreMemory([&] { return engine_->CreateSnapshot().status(); }, [&] { ExpectWorks(); });
  RepeatWithMoreMemory([&] { return engine_->Pin("p").status(); },
                       [&] {
                         ExpectWorks();
                         (void)engine_->Unpin("p");
                       });
  RepeatWithMoreMemory([&] { return engine_->Prune(0).status(); }, [&] { ExpectWorks(); });
  RepeatWithMoreMemory([&] { return engine_->Scrub({.bytes_per_second = 0}).status(); },
                       [&] { ExpectWorks(); });
  RepeatWithMoreMemory([&] { return engine_->StartScrub({.bytes_per_second = 0}); },
                       [&] {
                         (void)engine_->StopScrub();
                         ExpectWorks();
                       });
  (void)engine_->StopScrub();
}

TEST_F(MemoryShortageTest, CheckpointReturnsAnErrorAndSucceedsLater) {
  RepeatWithMoreMemory([&] { return engine_->WriteCheckpoint().status(); }, [&] { ExpectWorks(); });
  EXPECT_OK(engine_->WriteCheckpoint());
}

TEST_F(MemoryShortageTest, FailedRollbackLeavesAUsableStore) {
  RepeatWithMoreMemory([&] { return engine_->Rollback(engine_->version()); }, [&] { ExpectWorks(); });
  Version target = engine_->version();
  Put("small", "3");
  RepeatWithMoreMemory([&] { return engine_->Rollback(target); },
                       [&] {
                         ExpectWorks();
                         target = engine_->version();
                         Put("small", "4");
                       });
}

TEST_F(MemoryShortageTest, CloseReturnsAnErrorAndTheStoreReopens) {
  RepeatWithMoreMemory([&] { return engine_->Close(); },
                       [&] {
                         engine_.reset();
                         Open();
                         ExpectWorks();
                       });
  Open();
}

TEST_F(MemoryShortageTest, CommitReturnsTheErrorOfItsBatch) {
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
