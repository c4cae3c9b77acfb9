// Random histories of two sessions on the same few keys, from two threads, while the device and the log fail,
// the store is rolled back, and sessions and the engine are closed. Every accepted operation completes once,
// and SessionHistory finds an execution that explains every answer.
//
// RAWKV_SESSION_OPERATIONS (default 6,000) sets the number of operations, RAWKV_TEST_SEED the first seed.

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <random>
#include <thread>

#include "blockdev/aligned_buffer.h"
#include "tests/engine/engine_fixture.h"
#include "tests/engine/session_history.h"
#include "tests/support/device_seam.h"
#include "tests/support/fault_fs.h"
#include "tests/support/split_mix.h"

namespace rawkv {
namespace {

using Change = SessionOpRecord::Change;

constexpr uint32_t kKeys = 6;
constexpr uint64_t kPayloadBytes = 2 * kKiB;

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string KeyOf(uint32_t key) {
  return "key" + std::to_string(key);
}

// Odd values lie in the index, even ones on the device.
std::string BytesOf(uint64_t value) {
  std::string bytes(value % 2 == 0 ? kPayloadBytes : sizeof(value), '\0');
  for (size_t at = 0; at < bytes.size(); at += sizeof(value)) std::memcpy(&bytes[at], &value, sizeof(value));
  return bytes;
}

// The value of the bytes, or nothing if they are not of one value.
std::optional<uint64_t> ValueOf(ConstBytes bytes) {
  uint64_t value = 0;
  if (bytes.size() < sizeof(value)) return std::nullopt;
  std::memcpy(&value, bytes.data(), sizeof(value));
  return BytesOf(value) == AsStringView(bytes) ? std::optional(value) : std::nullopt;
}

// One thread that submits to a session and drains it.
class Driver {
 public:
  Driver(Session& session, uint32_t number, uint64_t seed, std::atomic<uint64_t>& clock,
         std::atomic<uint64_t>& values)
      : session_(session), number_(number), random_(seed), clock_(clock), values_(values) {}

  // Submits until the operations are used up, the session refuses them, or `stop` is set.
  void Submit(size_t operations, const std::atomic<bool>& stop) {
    for (size_t i = 0; i < operations && !stop; ++i) {
      if (!SubmitOne()) return;
      while (buffers_.size() + commits_under_way_ > 24 || random_() % 4 == 0) {
        if (!session_.Wait(random_() % 2 == 0 ? 0 : 20) || !DrainOne()) break;
      }
    }
  }
  void DrainAll() {
    while (session_.Wait(-1)) (void)DrainOne();
    while (DrainOne()) {
    }
  }
  // The records, once every operation has completed.
  std::vector<SessionOpRecord> Records() {
    std::vector<SessionOpRecord> out;
    for (auto& [id, record] : records_) out.push_back(std::move(record));
    return out;
  }

 private:
  struct Buffers {
    std::vector<AlignedBuffer> memory;
    std::vector<Bytes> out;
  };

  bool SubmitOne() {
    SessionOpRecord r;
    r.session = number_;
    r.submitted = ++clock_;
    const uint64_t kind = random_() % 100;
    Result<uint64_t> id = Status::Internal("unset");
    Buffers buffers;
    if (kind < 55) {
      r.op = kind < 45 ? SessionOp::kGet : SessionOp::kExists;
      id = SubmitRead(r, buffers);
    } else if (kind < 97) {
      r.op = SessionOp::kCommit;
      id = SubmitCommit(r);
    } else {
      r.op = SessionOp::kSync;
      id = session_.SubmitSync();
    }
    if (!id.ok()) {
      EXPECT_TRUE(id.status().code() == StatusCode::kPoisoned ||
                  id.status().code() == StatusCode::kFailedPrecondition)
          << id.status().ToString();
      return false;
    }
    EXPECT_GT(*id, last_id_) << "ids ascend";
    last_id_ = *id;
    r.id = *id;
    if (r.op == SessionOp::kCommit) ++commits_under_way_;
    buffers_[*id] = std::move(buffers);
    records_[*id] = std::move(r);
    return true;
  }

  Result<uint64_t> SubmitRead(SessionOpRecord& r, Buffers& buffers) {
    std::vector<std::string> keys;
    for (uint64_t n = random_() % 3 + 1; n > 0; --n) {
      r.keys.push_back(static_cast<uint32_t>(random_() % kKeys));
      keys.push_back(KeyOf(r.keys.back()));
    }
    r.found.resize(keys.size());
    if (r.op == SessionOp::kExists) {
      const std::vector<std::string_view> views(keys.begin(), keys.end());
      return session_.SubmitExists(views);
    }
    std::vector<SessionRead> reads;
    for (const std::string& key : keys) {
      // Some memory is unaligned, some too small for a direct read of the last block.
      AlignedBuffer& memory = buffers.memory.emplace_back(3 * 4 * kKiB);
      const Bytes out = memory.bytes().subspan(random_() % 2 == 0 ? 0 : 8, kPayloadBytes + random_() % 4096);
      buffers.out.push_back(out);
      reads.push_back({.key = key, .out = out});
    }
    return session_.SubmitGet(reads);
  }

  Result<uint64_t> SubmitCommit(SessionOpRecord& r) {
    WriteBatch batch;
    for (uint64_t n = random_() % 3 + 1; n > 0; --n) {
      Change c{.key = static_cast<uint32_t>(random_() % kKeys)};
      const uint64_t kind = random_() % 20;
      if (kind < 10) {
        c.value = ++values_;
        batch.Put(KeyOf(c.key), BytesOf(c.value));
      } else if (kind < 15) {
        c.kind = Change::Kind::kPutIfAbsent;
        c.value = ++values_;
        batch.PutIfAbsent(KeyOf(c.key), BytesOf(c.value));
      } else if (kind < 19) {
        c.kind = Change::Kind::kDelete;
        batch.Delete(KeyOf(c.key));
      } else {
        c.kind = Change::Kind::kDeleteRange;
        c.end_key = std::min(kKeys, c.key + 3);
        batch.DeleteRange(KeyOf(c.key), KeyOf(c.end_key));
      }
      r.changes.push_back(c);
    }
    batch.SetMetadata(std::to_string(number_) + ":" + std::to_string(r.submitted));
    CommitOptions options;
    if (random_() % 10 == 0) options.durability = Durability::kUnsafeUnsynced;
    if (random_() % 20 == 0) options.expected_version = Version(1'000'000'000);  // fails
    return session_.SubmitCommit(std::move(batch), options);
  }

  bool DrainOne() {
    SessionCompletion done;
    if (session_.Drain(std::span(&done, 1)) == 0) return false;
    const auto it = records_.find(done.id);
    if (it == records_.end()) {
      ADD_FAILURE() << "an operation that was not accepted completed";
      return true;
    }
    SessionOpRecord& r = it->second;
    EXPECT_EQ(r.completed, 0u) << "operation " << done.id << " completed twice";
    EXPECT_EQ(r.op, done.op);
    r.completed = ++clock_;
    if (r.op == SessionOp::kCommit) {
      --commits_under_way_;
      r.outcome = done.commit.outcome;
      r.version = done.commit.ok() ? done.commit.version.value() : 0;
      r.existed = done.commit.existed;
      EXPECT_EQ(done.commit.ok(), r.outcome == CommitOutcome::kApplied);
      EXPECT_EQ(done.status.code(), done.commit.status.code());
    }
    if (done.status.ok()) KeepAnswers(r, done);
    buffers_.erase(done.id);  // under ASan nothing may touch the memory any more
    return true;
  }

  void KeepAnswers(SessionOpRecord& r, const SessionCompletion& done) {
    ASSERT_EQ(done.answers.size(), r.keys.size());
    for (size_t i = 0; i < r.keys.size(); ++i) {
      const SessionAnswer& answer = done.answers[i];
      if (answer.status.code() == StatusCode::kNotFound) {
        r.found[i] = 0;
      } else if (r.op == SessionOp::kGet && answer.status.ok()) {
        r.found[i] = ValueOf(ConstBytes(buffers_[done.id].out[i]).first(answer.bytes));
        EXPECT_TRUE(r.found[i].has_value()) << "bytes that no commit wrote";
      } else if (!answer.status.ok()) {
        EXPECT_STATUS(answer.status, StatusCode::kIoError);
      }
    }
  }

  Session& session_;
  const uint32_t number_;
  std::mt19937_64 random_;
  std::atomic<uint64_t>& clock_;
  std::atomic<uint64_t>& values_;
  uint64_t last_id_ = 0;
  size_t commits_under_way_ = 0;
  std::map<uint64_t, Buffers> buffers_;
  std::map<uint64_t, SessionOpRecord> records_;
};

class SessionFaultsTest : public EngineTest {
 protected:
  SessionFaultsTest() {
    open_.env.fs = &faulty_;
    format_.runtime.undo_versions = 16;
    open_.env.open_device = [this](const std::string& path, const DeviceOpenOptions& options) {
      Result<OpenedDevice> opened = OpenBlockDevice(path, options);
      if (!opened.ok() || !device_faults_) return opened;
      opened->device = std::make_unique<DeviceSeam>(
          std::move(opened->device), [this](const IoRequest& request) -> std::optional<Status> {
            const uint64_t n = ++transfers_;
            if (fail_transfers_ == 0 || n % fail_transfers_ != 0) return std::nullopt;
            return Status::IoError(request.kind == IoKind::kRead ? "injected read" : "injected write");
          });
      return opened;
    };
  }

  enum class Event : uint8_t {
    kNothing,
    kDeviceFaults,
    kLogFault,
    kRollback,
    kCloseEngine,
    kSnapshot,
    kCount
  };

  void RunRound(Event event, uint64_t seed) {
    if (engine_ == nullptr) Open();
    // Old versions would fill the device.
    if (seed % 8 == 0) {
      EXPECT_OK(engine_->CreateSnapshot());
      EXPECT_OK(engine_->Prune(0));
    }
    ASSERT_NE(engine_, nullptr);
    const uint64_t base = engine_->version().value();
    SessionHistory history(state_, base);
    Result<std::unique_ptr<Session>> sessions[2] = {engine_->OpenSession(),
                                                    engine_->OpenSession({.bytes_in_flight_max = 16 * kKiB})};
    ASSERT_OK(sessions[0]);
    ASSERT_OK(sessions[1]);
    Driver drivers[2] = {{**sessions[0], 0, SplitMix64(2 * seed), clock_, values_},
                         {**sessions[1], 1, SplitMix64(2 * seed + 1), clock_, values_}};
    fail_transfers_ = event == Event::kDeviceFaults ? 7 : 0;
    std::atomic<bool> stop{false};
    std::atomic<int> stopped{0};
    std::thread threads[2];
    for (size_t i = 0; i < 2; ++i) {
      threads[i] = std::thread([&, i] {
        drivers[i].Submit(operations_of_a_round_, stop);
        ++stopped;
        if (event != Event::kCloseEngine) drivers[i].DrainAll();
      });
    }
    std::optional<uint64_t> target;
    Strike(event);
    if (event == Event::kRollback) {
      // A commit that is submitted after the rollback would get the version of one that is gone.
      stop = true;
      while (stopped != 2) std::this_thread::yield();
      target = base + (engine_->version().value() - base) / 2;
      history.SetRollback(clock_.load(), *target);
      EXPECT_OK(engine_->Rollback(Version(*target)));
    }
    for (std::thread& thread : threads) thread.join();
    if (event == Event::kCloseEngine) {
      EXPECT_OK(engine_->Close());  // with what is under way
      EXPECT_EQ((*sessions[0])->SubmitSync().status().code(), StatusCode::kFailedPrecondition);
    }
    for (Driver& driver : drivers) driver.DrainAll();
    for (auto& session : sessions) EXPECT_OK((*session)->Close());
    EXPECT_EQ((*sessions[0])->stats().accepted, (*sessions[0])->stats().completed);
    fail_transfers_ = 0;
    faulty_.Disarm();
    Judge(history, drivers, target, event == Event::kLogFault || event == Event::kCloseEngine);
  }

  // Lets something happen after a part of the operations.
  void Strike(Event event) {
    const uint64_t begin = clock_.load();
    while (event != Event::kNothing && clock_.load() < begin + operations_of_a_round_ / 2)
      std::this_thread::yield();
    if (event == Event::kLogFault) {
      faulty_.Arm({.reach = FaultFs::Reach::kOnce,
                   .matches = [](const FaultFs::Operation& o) { return o.Is("sync", ".log"); }});
    } else if (event == Event::kSnapshot) {
      EXPECT_OK(engine_->CreateSnapshot());
    }
  }

  void Judge(SessionHistory& history, Driver (&drivers)[2], std::optional<uint64_t> target, bool reopen) {
    if (reopen) {
      engine_.reset();
      Open();
    }
    std::vector<SessionOpRecord> records = drivers[0].Records();
    for (SessionOpRecord& r : drivers[1].Records()) records.push_back(std::move(r));
    operations_ += records.size();
    for (SessionOpRecord& r : records) {
      if (r.outcome == CommitOutcome::kUnknown) ++unknown_;
      if (r.outcome == CommitOutcome::kUnknown) FindVersion(r);
    }
    EXPECT_EQ(history.Check(std::move(records)), "");
    if (target) EXPECT_EQ(engine_->version(), Version(*target));
    state_ = history.StateAt(engine_->version().value());
    for (uint32_t key = 0; key < kKeys; ++key) {
      const Result<Value> value = engine_->Get(KeyOf(key));
      ASSERT_EQ(value.ok(), state_.contains(key)) << "key " << key;
      if (value.ok()) EXPECT_EQ(ValueOf(AsBytes(value->bytes)), state_[key]);
    }
  }

  bool IsCommitOf(const SessionOpRecord& r, uint64_t version) {
    const Result<CommitRecord> record = engine_->GetCommit(Version(version));
    return record.ok() && record->metadata == std::to_string(r.session) + ":" + std::to_string(r.submitted);
  }
  void FindVersion(SessionOpRecord& r) {
    for (uint64_t v = engine_->version().value(); v > 0 && v + 1024 > engine_->version().value(); --v) {
      if (IsCommitOf(r, v)) r.version = v;
    }
  }
  FaultFs faulty_{PosixFs()};
  bool device_faults_ = false;
  std::atomic<uint64_t> transfers_{0};
  std::atomic<uint64_t> fail_transfers_{0};  // every n-th fails; 0: none
  std::atomic<uint64_t> clock_{0};
  std::atomic<uint64_t> values_{0};
  SessionHistory::State state_;
  uint64_t operations_of_a_round_ = 300;  // of each session
  uint64_t operations_ = 0;
  uint64_t unknown_ = 0;
};

TEST_F(SessionFaultsTest, RandomHistoriesAreLinearizableAndCompleteOnce) {
  const uint64_t operations = FromEnvironment("RAWKV_SESSION_OPERATIONS", 6000);
  const uint64_t first_seed = FromEnvironment("RAWKV_TEST_SEED", 1);
  operations_of_a_round_ = std::max<uint64_t>(300, operations / 400);
  open_.engine = IoEngine::kIoUring;
  ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
  uint64_t rounds = 0;
  for (; operations_ < operations && !HasFailure(); ++rounds) {
    const uint64_t seed = first_seed + rounds;
    const auto event = static_cast<Event>(seed % static_cast<uint64_t>(Event::kCount));
    SCOPED_TRACE("seed " + std::to_string(seed) + ", event " + std::to_string(static_cast<int>(event)));
    // A device that can fail has no ring, so half of the rounds are without.
    if (const bool faults = event == Event::kDeviceFaults || seed % 4 == 0; faults != device_faults_) {
      device_faults_ = faults;
      if (engine_ != nullptr) Close();
    }
    ASSERT_NO_FATAL_FAILURE(RunRound(event, seed));
  }
  std::printf("%lu operations in %lu rounds; %lu commits with an unknown outcome\n", operations_, rounds,
              unknown_);
  EXPECT_GE(rounds, static_cast<uint64_t>(Event::kCount));
}

}  // namespace
}  // namespace rawkv
