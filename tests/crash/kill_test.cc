// A process commits, snapshots, prunes and rolls back; it is killed at a random moment. What it had
// acknowledged over a pipe must be there, what was in flight whole or absent.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

#include "engine/admin.h"
#include "engine/engine.h"
#include "tests/crash/scripted_commit.h"
#include "tests/support/loop_device.h"
#include "tests/support/temp_dir.h"

namespace rawkv {
namespace {

// What the worker says: before an act what it is about to do, after it that it is done.
struct Message {
  enum Kind : uint64_t { kCommit, kCommitted, kRollback, kRolledBack, kRefused };
  uint64_t kind = 0;
  uint64_t version = 0;  // that the commit will make, or the rollback's target
  uint64_t nonce = 0;
};

uint64_t EnvOr(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

OpenOptions WorkerOptions(std::mt19937_64& random) {
  OpenOptions options;
  options.snapshot_interval = random() % 3 == 0 ? 7 : 25;
  options.wal_segment_bytes = 1 << 20;
  options.memtable_bytes = 1 << 20;
  options.engine = random() % 2 == 0 ? IoEngine::kPosix : IoEngine::kAuto;
  options.env.logger = &NullLogger();
  return options;
}

// Runs until it is killed; any error ends it with a status that the judge does not take for a kill.
[[noreturn]] void Work(const std::string& dir, int pipe, uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto say = [&](Message m) {
    if (write(pipe, &m, sizeof(m)) != sizeof(m)) _exit(3);
  };
  Result<std::unique_ptr<Engine>> opened = Engine::Open(dir, WorkerOptions(random));
  if (!opened.ok()) {
    fprintf(stderr, "worker: open: %s\n", opened.status().ToString().c_str());
    _exit(4);
  }
  Engine& engine = **opened;
  for (;;) {
    const uint64_t act = random() % 40;
    Status status;
    if (act == 0) {
      status = engine.CreateSnapshot().status();
    } else if (act == 1) {
      status = engine.Prune(random() % 2).status();
    } else if (act == 2) {
      const Result<EngineInfo> info = engine.Info();
      if (!info.ok()) _exit(5);
      const auto [first, last] = info->reachable.back();
      const Version target(first.value() + random() % (last.value() - first.value() + 1));
      say({Message::kRollback, target.value(), 0});
      status = engine.Rollback(target);
      // An automatic snapshot may have pruned the target since it was chosen.
      const bool pruned = status.code() == StatusCode::kVersionUnreachable;
      if (pruned) status = Status::Ok();
      say({pruned ? Message::kRefused : Message::kRolledBack, target.value(), 0});
    } else {
      const uint64_t nonce = random();
      say({Message::kCommit, engine.version().value() + 1, nonce});
      const CommitResult result = engine.Commit(ScriptedBatch(nonce));
      status = result.status;
      say({Message::kCommitted, result.version.value(), nonce});
    }
    if (!status.ok()) {
      fprintf(stderr, "worker: act %lu: %s\n", act, status.ToString().c_str());
      _exit(6);
    }
  }
}

class KillTest : public ::testing::Test {
 protected:
  void Format(const std::string& device) {
    FormatOptions format;
    format.device = device;
    format.capacity_bytes = 256 << 20;
    format.force = !device.empty();
    const Result<FormatResult> made = Engine::Format(dir_, format);
    ASSERT_TRUE(made.ok()) << made.status().ToString();
    history_ = {KeyValues()};
  }

  void RunRounds(uint64_t rounds, uint64_t seed) {
    std::mt19937_64 random(seed);
    for (uint64_t round = 0; round < rounds && !HasFatalFailure(); ++round) {
      SCOPED_TRACE("round " + std::to_string(round) + " of RAWKV_TEST_SEED=" + std::to_string(seed));
      OneRound(random(), random() % 120, random() % 4 == 0);
    }
    RecordProperty("kills", static_cast<int>(rounds));
  }

  const TempDir scratch_;
  const std::string dir_ = scratch_.File("store");

 private:
  void OneRound(uint64_t seed, uint64_t messages_before_kill, bool deep) {
    int fds[2];
    ASSERT_EQ(pipe(fds), 0);
    const pid_t child = fork();
    if (child == 0) {
      close(fds[0]);
      // A new program: the threads that the judge's own opens left to RocksDB do not live on in a fork.
      const std::string pipe_end = std::to_string(fds[1]), number = std::to_string(seed);
      execl("/proc/self/exe", "worker", "--worker", dir_.c_str(), pipe_end.c_str(), number.c_str(), nullptr);
      _exit(7);
    }
    close(fds[1]);
    // The kill comes while the worker goes on: somewhere in the act after the last message awaited.
    std::vector<Message> heard;
    Message m;
    while (heard.size() < messages_before_kill && read(fds[0], &m, sizeof(m)) == sizeof(m))
      heard.push_back(m);
    kill(child, SIGKILL);
    while (read(fds[0], &m, sizeof(m)) == sizeof(m)) heard.push_back(m);
    close(fds[0]);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the worker ended by itself with status " << WEXITSTATUS(status);
    Judge(heard, deep);
  }

  // Brings the history up to what was acknowledged; what was in flight stays aside.
  void Judge(const std::vector<Message>& heard, bool deep) {
    std::optional<Message> in_flight;
    for (const Message& m : heard) {
      switch (m.kind) {
        case Message::kCommit:
        case Message::kRollback:
          in_flight = m;
          break;
        case Message::kRefused:
          in_flight.reset();
          break;
        default:
          Settle(*in_flight);
          in_flight.reset();
      }
    }
    OpenOptions options;
    options.env.logger = &NullLogger();
    Result<CheckReport> before = CheckStore(dir_, {.deep = deep}, options);
    ASSERT_TRUE(before.ok()) << before.status().ToString();
    for (const Finding& f : before->findings)
      ADD_FAILURE() << "fsck before the open: " << f.kind << " " << f.where << ": " << f.message;

    Result<std::unique_ptr<Engine>> engine = Engine::Open(dir_, options);
    ASSERT_TRUE(engine.ok()) << engine.status().ToString();
    const uint64_t tip = (*engine)->version().value();
    const uint64_t acknowledged = history_.size() - 1;
    if (in_flight && tip == in_flight->version) Settle(*in_flight);
    ASSERT_EQ(tip, history_.size() - 1) << "acknowledged: " << acknowledged;
    CompareReachable(**engine);
    ASSERT_TRUE((*engine)->Close().ok());
  }

  void Settle(const Message& m) {
    if (m.kind == Message::kRollback) {
      history_.resize(m.version + 1);
      return;
    }
    ASSERT_EQ(m.version, history_.size());
    KeyValues next = history_.back();
    ApplyScript(m.nonce, &next);
    history_.push_back(std::move(next));
  }

  // The tip and some older versions, key by key.
  void CompareReachable(Engine& engine) {
    Compare(engine, Version(history_.size() - 1));
    const Result<EngineInfo> info = engine.Info();
    ASSERT_TRUE(info.ok()) << info.status().ToString();
    const auto [first, last] = info->reachable.back();
    for (const Version v : {first, Version((first.value() + last.value()) / 2)}) Compare(engine, v);
  }

  void Compare(Engine& engine, Version version) {
    const Result<std::shared_ptr<const ReadView>> view = engine.OpenView(version);
    ASSERT_TRUE(view.ok()) << view.status().ToString();
    const Result<std::unique_ptr<Iterator>> it = engine.NewIterator({.view = *view});
    ASSERT_TRUE(it.ok());
    const KeyValues& expected = history_[version.value()];
    auto want = expected.begin();
    for ((*it)->SeekToFirst(); (*it)->Valid(); (*it)->Next(), ++want) {
      ASSERT_NE(want, expected.end())
          << "version " << version.value() << " has an extra key " << (*it)->key();
      ASSERT_EQ((*it)->key(), want->first) << "version " << version.value();
      const Result<std::string> value = (*it)->ReadValue();
      ASSERT_TRUE(value.ok()) << value.status().ToString();
      ASSERT_TRUE(*value == want->second) << "version " << version.value() << " key " << want->first;
    }
    ASSERT_TRUE((*it)->status().ok()) << (*it)->status().ToString();
    ASSERT_EQ(want, expected.end()) << "version " << version.value() << " lacks a key";
  }

  std::vector<KeyValues> history_;  // by version; the store's initial version is 0
};

TEST_F(KillTest, NothingAcknowledgedIsLostOnAFile) {
  Format("");
  RunRounds(EnvOr("RAWKV_KILL_ROUNDS", 40), EnvOr("RAWKV_TEST_SEED", 20260901));
}

TEST_F(KillTest, NothingAcknowledgedIsLostOnALoopDevice) {
  const std::string backing = scratch_.File("backing");
  ASSERT_TRUE(CreateDeviceFile(backing, 256 << 20).ok());
  Result<LoopDevice> loop = LoopDevice::Attach(backing);
  if (!loop.ok()) GTEST_SKIP() << loop.status().ToString();
  Format(loop->path());
  RunRounds(EnvOr("RAWKV_KILL_ROUNDS", 40) / 2, EnvOr("RAWKV_TEST_SEED", 20260901) + 1);
}

}  // namespace
}  // namespace rawkv

int main(int argc, char** argv) {
  if (argc == 5 && std::string_view(argv[1]) == "--worker") {
    rawkv::Work(argv[2], std::atoi(argv[3]), std::strtoull(argv[4], nullptr, 10));
  }
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
