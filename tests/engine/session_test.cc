// Sessions without faults: answers, order, bounds, the descriptor, close, rollback and fork.

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "base/extent.h"
#include "blockdev/aligned_buffer.h"
#include "tests/engine/engine_fixture.h"

namespace rawkv {
namespace {

class SessionTest : public EngineTest, public testing::WithParamInterface<IoEngine> {
 protected:
  SessionTest() { open_.engine = GetParam(); }

  void OpenAll(const SessionOptions& options = {}) {
    ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
    OpenSession(options);
  }
  void OpenSession(const SessionOptions& options = {}) {
    Result<std::unique_ptr<Session>> opened = engine_->OpenSession(options);
    ASSERT_OK(opened);
    session_ = *std::move(opened);
  }
  void TearDown() override {
    session_.reset();
    EngineTest::TearDown();
  }

  uint64_t Commit(std::string_view key, std::string_view value) {
    WriteBatch batch;
    batch.Put(key, value);
    return Accepted(session_->SubmitCommit(std::move(batch)));
  }
  uint64_t Read(std::string_view key, Bytes out) {
    const SessionRead read{.key = key, .out = out};
    return Accepted(session_->SubmitGet(std::span(&read, 1)));
  }
  static uint64_t Accepted(const Result<uint64_t>& submitted) {
    EXPECT_OK(submitted);
    return submitted.ok() ? *submitted : 0;
  }
  // Waits for `count` completions and returns them by id.
  std::map<uint64_t, SessionCompletion> Take(size_t count) {
    std::map<uint64_t, SessionCompletion> out;
    while (out.size() < count) {
      if (!session_->Wait(-1)) {
        ADD_FAILURE() << "only " << out.size() << " of " << count << " operations complete";
        return out;
      }
      SessionCompletion one;
      while (out.size() < count && session_->Drain(std::span(&one, 1)) == 1) {
        EXPECT_TRUE(out.emplace(one.id, one).second) << "operation " << one.id << " completed twice";
      }
    }
    return out;
  }
  SessionCompletion TakeOne() {
    const auto taken = Take(1);
    return taken.empty() ? SessionCompletion{} : taken.begin()->second;
  }
  bool Readable() {
    pollfd poll{.fd = session_->event_fd(), .events = POLLIN, .revents = 0};
    return ::poll(&poll, 1, 0) == 1;
  }

  std::unique_ptr<Session> session_;
};

std::string Text(const AlignedBuffer& buffer, uint64_t bytes) {
  return std::string(AsStringView(buffer.bytes().first(bytes)));
}

TEST_P(SessionTest, BatchOfReadsAnswersEachKey) {
  OpenAll();
  const std::string large(700 * kKiB, 'L');
  Put("inline", "small");
  Put("slot", OneSlot(1));
  const Version written = Put("large", large);
  Put("empty", "");
  std::vector<AlignedBuffer> out;
  for (int i = 0; i < 7; ++i) out.emplace_back(kMiB);
  std::vector<std::byte> unaligned(kMiB + 1);
  const std::vector<SessionRead> reads{{"inline", out[0].bytes()},
                                       {"slot", out[1].bytes()},
                                       {"none", out[2].bytes()},
                                       {"large", out[3].bytes()},
                                       {"large", Bytes(unaligned).subspan(1)},
                                       {"empty", out[4].bytes()},
                                       {"large", out[5].bytes().first(10)},
                                       {"", out[6].bytes()}};
  Accepted(session_->SubmitGet(reads));
  const SessionCompletion done = TakeOne();
  ASSERT_OK(done.status);
  ASSERT_EQ(done.answers.size(), reads.size());
  EXPECT_EQ(Text(out[0], done.answers[0].bytes), "small");
  EXPECT_EQ(Text(out[1], done.answers[1].bytes), OneSlot(1));
  EXPECT_STATUS(done.answers[2].status, StatusCode::kNotFound);
  EXPECT_EQ(Text(out[3], done.answers[3].bytes), large);
  EXPECT_EQ(done.answers[3].written_by, written);
  EXPECT_EQ(std::string(AsStringView(ConstBytes(unaligned).subspan(1, large.size()))), large);
  EXPECT_OK(done.answers[5].status);
  EXPECT_EQ(done.answers[5].bytes, 0u);
  EXPECT_STATUS(done.answers[6].status, StatusCode::kInvalidArgument, std::to_string(large.size()));
  EXPECT_STATUS(done.answers[7].status, StatusCode::kInvalidArgument);
  const SessionStats stats = session_->stats();
  EXPECT_EQ(stats.bytes_in_flight, 0u);
  EXPECT_GE(stats.direct_bytes, 2 * kKiB);
  EXPECT_GE(stats.bounced_bytes, large.size());
}

// Programs pass aligned memory that ends with the value, whatever its length.
TEST_P(SessionTest, OfMemoryWithoutRoomForPaddingOnlyTheLastBlockIsCopied) {
  OpenAll();
  struct Case {
    uint64_t length, copied;
  };
  constexpr uint64_t kChunk = kPayloadChunkBytes;
  const std::vector<Case> cases{{64 * kKiB, 0},
                                {64 * kKiB + 1, kBlockAlign},
                                {68 * kKiB - 1, kBlockAlign},
                                {kChunk - 1, kBlockAlign},
                                {kChunk + 64 * kKiB + 4095, kBlockAlign},
                                {kChunk + 5000, 8 * kKiB},  // the last chunk is short
                                {3 * kChunk + 100 * kKiB + 17, kBlockAlign}};
  for (const auto& [length, copied] : cases) {
    SCOPED_TRACE(length);
    const std::string value = MakeValue({length, length});
    Put("k", value);
    AlignedBuffer out(AlignUp(length, kBlockAlign) + kBlockAlign);
    std::memset(out.data(), 0x5a, out.size());
    const SessionStats before = session_->stats();
    Accepted(session_->SubmitGet(std::array{SessionRead{"k", out.bytes().first(length)}}));
    const SessionCompletion done = TakeOne();
    ASSERT_OK(done.status);
    ASSERT_OK(done.answers.front().status);
    EXPECT_EQ(AsStringView(out.bytes().first(length)), value);
    for (const std::byte after : out.bytes().subspan(length)) {
      ASSERT_EQ(after, std::byte{0x5a}) << "memory after the value has changed";
    }
    const SessionStats stats = session_->stats();
    EXPECT_EQ(stats.bounced_bytes - before.bounced_bytes, copied);
    EXPECT_EQ(stats.direct_bytes - before.direct_bytes, AlignUp(length, kBlockAlign) - copied);
  }
}

TEST_P(SessionTest, ReadsIntoRegisteredMemoryAreCounted) {
  OpenAll();
  constexpr uint64_t kBytes = 700 * kKiB;
  const std::string value = MakeValue({7, kBytes});
  Put("k", value);
  AlignedBuffer arena(4 * kMiB), other(kMiB);
  EXPECT_STATUS(session_->RegisterMemory({}), StatusCode::kInvalidArgument);
  const Status registered = session_->RegisterMemory(arena.bytes());
  const bool rings = Info().engine_used == "io_uring";
  ASSERT_EQ(registered.code(), rings ? StatusCode::kOk : StatusCode::kNotSupported) << registered.ToString();
  const auto read_into = [&](Bytes out) {
    const uint64_t before = session_->stats().registered_bytes;
    Read("k", out);
    const SessionCompletion done = TakeOne();
    EXPECT_OK(done.status);
    EXPECT_EQ(AsStringView(out.first(kBytes)), value);
    return session_->stats().registered_bytes - before;
  };
  const uint64_t whole = rings ? AlignUp(kBytes, kBlockAlign) : 0;
  EXPECT_EQ(read_into(arena.bytes()), whole);
  EXPECT_EQ(read_into(arena.bytes().subspan(3 * kMiB)), whole);
  EXPECT_EQ(read_into(other.bytes()), 0u);
  (void)session_->event_fd();  // from now on reads use the engine's ring
  EXPECT_EQ(read_into(arena.bytes().subspan(kMiB)), whole);

  // The memory may be used for something else once the session is closed.
  ASSERT_OK(session_->Close());
  EXPECT_STATUS(session_->RegisterMemory(arena.bytes()), StatusCode::kFailedPrecondition);
  OpenSession();
  EXPECT_EQ(read_into(arena.bytes()), 0u);
}

TEST_P(SessionTest, ReadsSeeTheirOwnSessionsCommits) {
  OpenAll();
  constexpr uint64_t kRounds = 60;
  std::vector<AlignedBuffer> out;
  for (uint64_t i = 0; i < 2 * kRounds; ++i) out.emplace_back(8 * kKiB);
  std::map<uint64_t, uint64_t> expected;  // read → seed of the value; 0: absent
  for (uint64_t i = 0; i < kRounds; ++i) {
    const std::string key = "k" + std::to_string(i % 3);
    expected[Read(key, out[2 * i].bytes())] = i < 3 ? 0 : i - 3 + 1;
    Commit(key, OneSlot(i + 1));
    expected[Read(key, out[2 * i + 1].bytes())] = i + 1;
  }
  const auto done = Take(3 * kRounds);
  uint64_t index = 0;
  for (const auto& [id, seed] : expected) {
    const SessionAnswer& answer = done.at(id).answers.at(0);
    if (seed == 0) {
      EXPECT_STATUS(answer.status, StatusCode::kNotFound);
    } else {
      ASSERT_OK(answer.status);
      EXPECT_EQ(Text(out[index], answer.bytes), OneSlot(seed)) << "operation " << id;
    }
    ++index;
  }
}

TEST_P(SessionTest, CommitsOfOneKeyBecomeVersionsInTheirOrder) {
  OpenAll();
  std::vector<uint64_t> ids;
  for (uint64_t i = 1; i <= 100; ++i) ids.push_back(Commit("k", OneSlot(i)));
  const auto done = Take(ids.size());
  Version before;
  for (const uint64_t id : ids) {
    const CommitResult& commit = done.at(id).commit;
    ASSERT_OK(commit);
    EXPECT_LT(before, commit.version);
    before = commit.version;
  }
  EXPECT_EQ(Get("k"), OneSlot(100));
  EXPECT_LT(engine_->stats().groups, 100u) << "commits of one session share syncs";
}

TEST_P(SessionTest, FailedCommitReleasesItsPlace) {
  OpenAll();
  Put("k", "before");
  WriteBatch batch;
  batch.Put("k", "never");
  const uint64_t failed =
      Accepted(session_->SubmitCommit(std::move(batch), {.expected_version = Version(99)}));
  AlignedBuffer out(4 * kKiB);
  const uint64_t read = Read("k", out.bytes());
  const uint64_t next = Commit("k", "after");
  const auto done = Take(3);
  EXPECT_STATUS(done.at(failed).status, StatusCode::kFailedPrecondition);
  EXPECT_EQ(done.at(failed).commit.outcome, CommitOutcome::kNotApplied);
  EXPECT_EQ(Text(out, done.at(read).answers.at(0).bytes), "before");
  EXPECT_OK(done.at(next).commit);
}

TEST_P(SessionTest, RangeDeleteIsOrderedForTheKeysInItsRange) {
  OpenAll();
  Commit("a1", "x");
  Commit("b1", "x");
  WriteBatch range;
  range.DeletePrefix("a");
  Accepted(session_->SubmitCommit(std::move(range)));
  AlignedBuffer out(4 * kKiB);
  const uint64_t gone = Read("a1", out.bytes());
  const std::vector<std::string_view> keys{"a1", "b1", "a2"};
  const uint64_t exists = Accepted(session_->SubmitExists(keys));
  Commit("a2", "y");
  const std::string_view again = "a2";
  const uint64_t put_after = Accepted(session_->SubmitExists(std::span(&again, 1)));
  const auto done = Take(7);
  EXPECT_STATUS(done.at(gone).answers.at(0).status, StatusCode::kNotFound);
  EXPECT_STATUS(done.at(exists).answers.at(0).status, StatusCode::kNotFound);
  EXPECT_OK(done.at(exists).answers.at(1).status);
  EXPECT_STATUS(done.at(exists).answers.at(2).status, StatusCode::kNotFound);
  EXPECT_OK(done.at(put_after).answers.at(0).status);
}

TEST_P(SessionTest, SyncCoversEarlierCommits) {
  OpenAll();
  std::vector<uint64_t> commits;
  for (int i = 0; i < 20; ++i) {
    WriteBatch batch;
    batch.Put("k" + std::to_string(i), "v");
    commits.push_back(
        Accepted(session_->SubmitCommit(std::move(batch), {.durability = Durability::kUnsafeUnsynced})));
  }
  const uint64_t sync = Accepted(session_->SubmitSync());
  std::map<uint64_t, SessionCompletion> done;
  while (!done.contains(sync)) done.merge(Take(1));
  EXPECT_OK(done.at(sync).status);
  EXPECT_GE(engine_->durable_version(), Version(20));
  done.merge(Take(21 - done.size()));
  for (const uint64_t id : commits) EXPECT_OK(done.at(id).commit);
}

TEST_P(SessionTest, PutIfAbsentAnswersEachKey) {
  OpenAll();
  Put("old", OneSlot(1));
  const uint64_t free_before = Info().slots.free;
  WriteBatch first;
  first.PutIfAbsent("old", OneSlot(2));
  first.PutIfAbsent("new", OneSlot(3));
  first.Delete("old");
  first.PutIfAbsent("old", OneSlot(4));
  first.PutIfAbsent("new", "twice");
  const uint64_t one = Accepted(session_->SubmitCommit(std::move(first)));
  WriteBatch second;
  second.PutIfAbsent("new", OneSlot(5));
  second.PutIfAbsent("other", "small");
  const uint64_t two = Accepted(session_->SubmitCommit(std::move(second)));
  const auto done = Take(2);
  ASSERT_OK(done.at(one).commit);
  EXPECT_EQ(done.at(one).commit.existed, (std::vector<uint32_t>{0, 4}));
  ASSERT_OK(done.at(two).commit);
  EXPECT_EQ(done.at(two).commit.existed, std::vector<uint32_t>{0});
  EXPECT_EQ(Get("old"), OneSlot(4));
  EXPECT_EQ(Get("new"), OneSlot(3));
  EXPECT_EQ(Get("other"), "small");
  // The slot of "new" and the new one of "old". The payloads that were left out keep none.
  EXPECT_EQ(free_before - Info().slots.free, 2u);
}

TEST_P(SessionTest, BoundOfOperationsAnswersBusyUntilOneIsDrained) {
  OpenAll({.operations_max = 2});
  Put("k", "v");
  AlignedBuffer out(4 * kKiB);
  Read("k", out.bytes().first(kKiB));
  Read("k", out.bytes().last(kKiB));
  const SessionRead read{.key = "k", .out = out.bytes()};
  EXPECT_STATUS(session_->SubmitGet(std::span(&read, 1)), StatusCode::kBusy);
  WriteBatch batch;
  batch.Put("k", "w");
  EXPECT_STATUS(session_->SubmitCommit(std::move(batch)), StatusCode::kBusy);
  EXPECT_EQ(batch.size(), 1u) << "a refused batch stays with the caller";
  EXPECT_EQ(session_->stats().refused, 2u);
  Take(1);
  EXPECT_OK(session_->SubmitCommit(std::move(batch)));
  Take(2);
}

TEST_P(SessionTest, ReadsOverTheBoundOfBytesWaitAndComplete) {
  OpenAll({.bytes_in_flight_max = 1});
  const std::string large(900 * kKiB, 'x');
  Put("k", large);
  std::vector<AlignedBuffer> out;
  for (int i = 0; i < 8; ++i) out.emplace_back(kMiB);
  for (AlignedBuffer& buffer : out) Read("k", buffer.bytes());
  EXPECT_LE(session_->stats().bytes_in_flight, 256 * kKiB);
  for (const auto& [id, done] : Take(out.size())) {
    ASSERT_OK(done.answers.at(0).status);
    EXPECT_EQ(Text(out[id - 1], done.answers.at(0).bytes), large);
  }
}

TEST_P(SessionTest, DescriptorIsReadableExactlyWhileCompletionsWait) {
  OpenAll();
  Put("k", "v");
  EXPECT_FALSE(Readable());
  AlignedBuffer out(4 * kKiB);
  Read("k", out.bytes().first(kKiB));
  Read("k", out.bytes().last(kKiB));
  ASSERT_TRUE(session_->Wait(-1));
  EXPECT_TRUE(Readable());
  Take(1);
  ASSERT_TRUE(session_->Wait(-1));
  EXPECT_TRUE(Readable());
  Take(1);
  EXPECT_FALSE(Readable());
  EXPECT_FALSE(session_->Wait(-1)) << "nothing is under way";
  EXPECT_FALSE(session_->Wait(0));
}

TEST_P(SessionTest, CallerThatReadsTheDescriptorStillGetsEachCompletion) {
  OpenAll();
  Put("k", "v");
  EXPECT_FALSE(Readable());
  AlignedBuffer out(4 * kKiB);
  for (int i = 0; i < 2; ++i) {
    Read("k", out.bytes());
    ASSERT_TRUE(session_->Wait(-1));
    uint64_t count = 0;
    ASSERT_EQ(::read(session_->event_fd(), &count, sizeof(count)), 8);
    EXPECT_OK(TakeOne().status);
  }
}

TEST_P(SessionTest, CloseCompletesWhatWasAccepted) {
  OpenAll();
  Put("k", OneSlot(7));
  AlignedBuffer out(50 * 8 * kKiB);
  for (uint64_t i = 0; i < 50; ++i) {
    Read("k", out.bytes().subspan(i * 8 * kKiB, 8 * kKiB));
    Commit("c" + std::to_string(i), OneSlot(1));
  }
  EXPECT_OK(session_->Close());
  EXPECT_OK(session_->Close());
  EXPECT_STATUS(session_->SubmitSync(), StatusCode::kFailedPrecondition, "closed");
  std::vector<SessionCompletion> done(200);
  EXPECT_EQ(session_->Drain(done), 100u);
  for (const SessionCompletion& one : std::span(done).first(100)) EXPECT_OK(one.status);
  EXPECT_EQ(session_->Drain(done), 0u);
}

TEST_P(SessionTest, ClosingTheEngineClosesItsSessions) {
  OpenAll();
  for (int i = 0; i < 30; ++i) Commit("k", OneSlot(1));
  Close();
  std::vector<SessionCompletion> done(100);
  EXPECT_EQ(session_->Drain(done), 30u);
  for (const SessionCompletion& one : std::span(done).first(30)) EXPECT_OK(one.commit);
  EXPECT_STATUS(session_->SubmitSync(), StatusCode::kFailedPrecondition, "closed");
  EXPECT_OK(session_->Close());
}

TEST_P(SessionTest, RollbackWaitsForReadsAndRefusesUnnumberedCommits) {
  OpenAll();
  const Version target = Put("k", OneSlot(1));
  Put("k", OneSlot(2));
  std::vector<AlignedBuffer> out;
  std::vector<uint64_t> commits;
  std::vector<uint64_t> reads;
  for (int i = 0; i < 100; ++i) out.emplace_back(8 * kKiB);
  for (int i = 0; i < 100; ++i) {
    commits.push_back(Commit("c" + std::to_string(i), OneSlot(3)));
    reads.push_back(Read("k", out[static_cast<size_t>(i)].bytes()));
  }
  // Nothing is drained meanwhile: a rollback does not depend on its caller.
  EXPECT_OK(engine_->Rollback(target));
  const auto done = Take(200);
  for (const uint64_t id : commits) {
    const CommitResult& commit = done.at(id).commit;
    EXPECT_TRUE(commit.outcome == CommitOutcome::kApplied || commit.outcome == CommitOutcome::kNotApplied);
    EXPECT_EQ(commit.ok(), commit.outcome == CommitOutcome::kApplied);
  }
  for (size_t i = 0; i < reads.size(); ++i) {
    const SessionAnswer& answer = done.at(reads[i]).answers.at(0);
    ASSERT_OK(answer.status);
    const std::string value = Text(out[i], answer.bytes);
    EXPECT_TRUE(value == OneSlot(1) || value == OneSlot(2));
  }
  EXPECT_EQ(engine_->version(), target);
  EXPECT_FALSE(Has("c0"));
  Commit("after", "rollback");
  EXPECT_OK(TakeOne().commit);
}

TEST_P(SessionTest, ReadOnlyEngineReadsAndRefusesCommits) {
  ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
  Put("k", OneSlot(1));
  Close();
  open_.read_only = true;
  Open();
  OpenSession();
  AlignedBuffer out(8 * kKiB);
  Read("k", out.bytes());
  EXPECT_EQ(Text(out, TakeOne().answers.at(0).bytes), OneSlot(1));
  EXPECT_STATUS(session_->SubmitCommit(WriteBatch()), StatusCode::kFailedPrecondition);
  EXPECT_STATUS(session_->SubmitSync(), StatusCode::kFailedPrecondition);
}

TEST_P(SessionTest, InvalidArgumentsAreRefused) {
  ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
  EXPECT_STATUS(engine_->OpenSession({.operations_max = 0}), StatusCode::kInvalidArgument);
  EXPECT_STATUS(engine_->OpenSession({.operations_max = (1ull << 20) + 1}), StatusCode::kInvalidArgument);
  EXPECT_STATUS(engine_->OpenSession({.bytes_in_flight_max = 0}), StatusCode::kInvalidArgument);
  OpenSession();
  EXPECT_STATUS(session_->SubmitGet({}), StatusCode::kInvalidArgument);
  EXPECT_STATUS(session_->SubmitExists({}), StatusCode::kInvalidArgument);
  AlignedBuffer shared(4 * kKiB);
  const SessionRead reads[] = {{"a", shared.bytes().first(2001)}, {"b", shared.bytes().subspan(2000)}};
  EXPECT_STATUS(session_->SubmitGet(reads), StatusCode::kInvalidArgument, R"(key "a")", R"(key "b")",
                "overlaps");
  WriteBatch batch;
  batch.Put("", "no key");
  Accepted(session_->SubmitCommit(std::move(batch)));
  EXPECT_STATUS(TakeOne().status, StatusCode::kInvalidArgument);
}

TEST_P(SessionTest, ForkedProcessIsRefusedAndDisturbsNothing) {
  OpenAll();
  Put("k", OneSlot(1));
  AlignedBuffer out(8 * kKiB);
  Read("k", out.bytes());
  Take(1);
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(20);
    SessionCompletion one;
    const SessionRead read{.key = "k", .out = out.bytes()};
    const bool refused =
        session_->SubmitGet(std::span(&read, 1)).status().code() == StatusCode::kFailedPrecondition &&
        session_->SubmitCommit(WriteBatch()).status().code() == StatusCode::kFailedPrecondition &&
        session_->SubmitSync().status().code() == StatusCode::kFailedPrecondition &&
        session_->Drain(std::span(&one, 1)) == 0 && !session_->Wait(-1) &&
        session_->Close().code() == StatusCode::kFailedPrecondition;
    session_.reset();
    engine_.reset();
    ::_exit(refused ? 7 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7);
  Read("k", out.bytes());
  EXPECT_EQ(Text(out, TakeOne().answers.at(0).bytes), OneSlot(1));
}

// A thread that submits and ends does not take its reads with it: the kernel cancels calls of such a thread.
TEST_P(SessionTest, ReadsOutliveTheThreadThatSubmittedThem) {
  OpenAll();
  const std::string large(kMiB, 'x');
  Put("k", large);
  std::vector<AlignedBuffer> out;
  for (int i = 0; i < 40; ++i) out.emplace_back(kMiB);
  for (AlignedBuffer& buffer : out) {
    std::thread([&] { Read("k", buffer.bytes()); }).join();
  }
  for (const auto& [id, done] : Take(out.size())) EXPECT_OK(done.answers.at(0).status);
}

INSTANTIATE_TEST_SUITE_P(Engines, SessionTest, testing::Values(IoEngine::kPosix, IoEngine::kIoUring),
                         [](const auto& engine) { return std::string(IoEngineName(engine.param)); });

}  // namespace
}  // namespace rawkv
