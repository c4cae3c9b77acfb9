#include "tools/torture/worker.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <random>
#include <shared_mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/fs.h"
#include "base/fs_ops.h"
#include "base/mutex.h"
#include "tools/torture/script.h"
#include "tools/torture/state.h"

namespace rawkv::torture {
namespace {

using Kind = Message::Kind;

bool IsUnreachable(const Status& status) {
  return status.code() == StatusCode::kVersionUnreachable;
}

// The state that the threads of a worker share.
struct Shared {
  const WorkerPlan& plan;
  Engine& engine;
  MessageSink& sink;
  std::shared_mutex turn;  // a rollback runs alone, so that the messages have one order
  std::atomic<bool> stop = false;
  Mutex mu;
  Status first_error RAWKV_GUARDED_BY(mu);
};

// One thread of a worker; its own random numbers choose its acts.
class Actor {
 public:
  Actor(Shared& shared, uint32_t number)
      : shared_(shared), engine_(shared.engine), number_(number), random_(Mix(shared.plan.seed, number)) {}

  void Run() {
    for (uint64_t i = 0; i < shared_.plan.acts_per_actor && !shared_.stop; ++i) {
      const Status status = Act();
      if (status.ok()) continue;
      const MutexLock lock(shared_.mu);
      if (shared_.first_error.ok()) shared_.first_error = status;
      shared_.stop = true;
    }
  }

 private:
  void Send(Kind kind, Version version = Version(), uint64_t number = 0) {
    shared_.sink.Send({.kind = kind, .actor = number_, .version = version.value(), .number = number});
  }

  Status Act() {
    const uint64_t act = random_() % 60;
    if (act == 0) {
      const std::unique_lock alone(shared_.turn);
      return Rollback();
    }
    const std::shared_lock among_others(shared_.turn);
    switch (act) {
      case 1:
      case 2:
        return Snapshot();
      case 3:
        return engine_.Prune(random_() % 2).status().WithContext("prune");
      case 4:
        return PinOrUnpin();
      case 5:
        return Read();
      case 6:
        return Export();
      case 7:
        return Sync();
      default:
        return Commit();
    }
  }

  Status Commit() {
    const uint64_t nonce = random_();
    const bool synced = shared_.plan.durability == Durability::kSynced;
    CommitOptions options;
    if (!synced && random_() % 8 == 0) options.durability = Durability::kSynced;
    Send(Kind::kCommit, Version(), nonce);
    const CommitResult result = engine_.Commit(BatchOf(nonce), options);
    if (result.status.code() == StatusCode::kNoSpace && result.outcome == CommitOutcome::kNotApplied) {
      Send(Kind::kRefused);
      return MakeRoom();
    }
    RAWKV_RETURN_IF_ERROR(result.status.WithContext("commit"));
    Send(Kind::kCommitted, result.version, nonce);
    if (!synced && !options.durability) return Status::Ok();
    return ExpectDurable(result.version, "a synced commit");
  }

  // The device is too small for the retained versions, so this drops old ones.
  Status MakeRoom() {
    Send(Kind::kUnpin);
    const Status status = engine_.Unpin(PinNameOf(number_));
    Send(status.ok() ? Kind::kUnpinned : Kind::kRefused);
    return engine_.Prune(0).status().WithContext("prune");
  }

  Status ExpectDurable(Version version, const char* after) {
    if (engine_.durable_version() < version) {
      return Status::Corruption(std::string("after ") + after + " of version " + ToString(version) +
                                " durable_version() is " + ToString(engine_.durable_version()));
    }
    // In the mode synced an acknowledgement already implies this.
    if (shared_.plan.durability != Durability::kSynced) Send(Kind::kDurable, version);
    return Status::Ok();
  }

  Status Snapshot() {
    RAWKV_ASSIGN_OR_RETURN(const Version version, engine_.CreateSnapshot());
    return ExpectDurable(version, "a snapshot");
  }

  Status Sync() {
    const Version version = engine_.version();
    RAWKV_RETURN_IF_ERROR(engine_.Sync());
    return ExpectDurable(version, "a sync");
  }

  Status PinOrUnpin() {
    const std::string name = PinNameOf(number_);
    RAWKV_ASSIGN_OR_RETURN(const EngineInfo info, engine_.Info());
    const bool held = std::any_of(info.snapshots.begin(), info.snapshots.end(), [&](const SnapshotRow& row) {
      return std::find(row.pins.begin(), row.pins.end(), name) != row.pins.end();
    });
    Send(held ? Kind::kUnpin : Kind::kPin);
    if (held) {
      RAWKV_RETURN_IF_ERROR(engine_.Unpin(name).WithContext("unpin"));
      Send(Kind::kUnpinned);
      return Status::Ok();
    }
    RAWKV_ASSIGN_OR_RETURN(const Version version, engine_.Pin(name));
    Send(Kind::kPinned, version);
    return ExpectDurable(version, "a pin");
  }

  Result<Version> SomeVersion() {
    RAWKV_ASSIGN_OR_RETURN(const EngineInfo info, engine_.Info());
    const auto& [first, last] = info.reachable[random_() % info.reachable.size()];
    return Version(first.value() + random_() % (last.value() - first.value() + 1));
  }

  Status Rollback() {
    RAWKV_ASSIGN_OR_RETURN(const Version target, SomeVersion());
    const RollbackOptions options = {.drop_pins = random_() % 2 == 0};
    const auto plan = engine_.PlanRollback(target, options);
    if (IsUnreachable(plan.status())) return Status::Ok();
    RAWKV_RETURN_IF_ERROR(plan.status().WithContext("rollback plan"));
    if (!plan->blocked_by.empty() || target == engine_.version()) return Status::Ok();
    Send(Kind::kRollback, target);
    const Status status = engine_.Rollback(target, options);
    // An automatic snapshot may have pruned the target since the plan was made.
    const bool pruned = IsUnreachable(status);
    if (!pruned) RAWKV_RETURN_IF_ERROR(status.WithContext("rollback"));
    Send(pruned ? Kind::kRefused : Kind::kRolledBack, target);
    return Status::Ok();
  }

  // Reads one whole version. Another thread may prune it before the view is open.
  Status Read() {
    RAWKV_ASSIGN_OR_RETURN(const Version version, SomeVersion());
    const auto view = engine_.OpenView(version);
    if (IsUnreachable(view.status())) return Status::Ok();
    RAWKV_RETURN_IF_ERROR(view.status().WithContext("view"));
    RAWKV_ASSIGN_OR_RETURN(const State state, ReadState(engine_, *view));
    Send(Kind::kDigest, (*view)->version(), DigestOf(state));
    return Status::Ok();
  }

  Status Export() {
    RAWKV_ASSIGN_OR_RETURN(const Version version, SomeVersion());
    const std::string out = JoinPath(shared_.plan.scratch, "export-" + std::to_string(number_));
    RAWKV_RETURN_IF_ERROR(RemoveTree(PosixFs(), out));
    const Status status = engine_.Export({.version = version, .out = out, .chunk_bytes = 1 << 20});
    if (!IsUnreachable(status)) RAWKV_RETURN_IF_ERROR(status.WithContext("export"));
    return RemoveTree(PosixFs(), out);
  }

  Shared& shared_;
  Engine& engine_;
  const uint32_t number_;
  std::mt19937_64 random_;
};

OpenOptions OptionsOf(const WorkerPlan& plan) {
  OpenOptions options;
  options.engine = plan.engine;
  options.device = plan.device;
  options.settings.durability = plan.durability;
  options.settings.snapshot_interval = Mix(plan.seed, 1000) % 3 == 0 ? 15 : 60;
  options.settings.keep_recent = Mix(plan.seed, 1001) % 3;
  options.settings.wal_segment_bytes = 1 << 20;
  options.memtable_bytes = 1 << 20;
  options.block_cache_bytes = 4 << 20;
  options.env.logger = &NullLogger();
  return options;
}

}  // namespace

Status ReportNewestCommits(Engine& engine, uint64_t count, MessageSink& sink) {
  const uint64_t tip = engine.version().value();
  for (uint64_t i = 0; i < count && i < tip; ++i) {
    const auto commit = engine.GetCommit(Version(tip - i));
    if (IsUnreachable(commit.status())) return Status::Ok();
    RAWKV_RETURN_IF_ERROR(commit.status());
    const std::optional<uint64_t> nonce = NonceOf(commit->metadata);
    if (!nonce) return Status::Ok();  // the empty state
    sink.Send({.kind = Kind::kFound, .version = tip - i, .number = *nonce});
  }
  return Status::Ok();
}

Status Work(const WorkerPlan& plan, MessageSink& sink) {
  RAWKV_ASSIGN_OR_RETURN(const auto engine, Engine::Open(plan.store, OptionsOf(plan)));
  sink.Send({.kind = Kind::kOpened, .version = engine->version().value()});
  RAWKV_RETURN_IF_ERROR(ReportNewestCommits(*engine, 2 * plan.actors, sink));

  Shared shared{.plan = plan, .engine = *engine, .sink = sink};
  std::vector<std::thread> threads;
  for (uint32_t i = 1; i < plan.actors; ++i) threads.emplace_back([&shared, i] { Actor(shared, i).Run(); });
  Actor(shared, 0).Run();
  for (std::thread& thread : threads) thread.join();
  {
    const MutexLock lock(shared.mu);
    RAWKV_RETURN_IF_ERROR(shared.first_error);
  }
  return engine->Close();
}

}  // namespace rawkv::torture
