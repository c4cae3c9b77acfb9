#include <chrono>
#include <list>
#include <thread>

#include "base/limits.h"
#include "engine/api/results.h"
#include "tests/stress/worker.h"

namespace rawkv::stress {

using Call = CallBoard::Call;

Worker::Worker(World& world, size_t number)
    : world_(world), number_(number), rng_(world.options.seed * 1000 + number) {}

// The first ten threads have all roles, so that all calls overlap each other.
void Worker::Run() {
  using Role = void (Worker::*)();
  static constexpr Role kRoles[] = {&Worker::Commit,  &Worker::ReadTip,  &Worker::RollBack, &Worker::Maintain,
                                    &Worker::Commit,  &Worker::ReadView, &Worker::RollBack, &Worker::Iterate,
                                    &Worker::Copy,    &Worker::Watch,    &Worker::Commit,   &Worker::ReadView,
                                    &Worker::Iterate, &Worker::Watch};
  const Role role = kRoles[number_ % std::size(kRoles)];
  while (!world_.Done()) {
    world_.gate.Pass();
    if (world_.Done()) break;
    (this->*role)();
    if (world_.history.NeedsSettlement()) world_.Settle(number_, false);
  }
  world_.gate.Leave();
}

void Worker::Pause(uint64_t max_ms) {
  std::this_thread::sleep_for(std::chrono::microseconds(rng_.Below(max_ms * 1000 + 1)));
}

Version Worker::SomeVersion() {
  const uint64_t tip = world_.engine->version().value();
  const uint64_t oldest = std::min(std::max(world_.oldest.load(), kInitialVersion.value()), tip);
  if (rng_.OneIn(8)) return Version(oldest);
  return Version(tip - std::min(tip - oldest, rng_.OneIn(2) ? rng_.Below(8) : rng_.Below(400)));
}

void Worker::AddPut(ModelBatch& batch, uint64_t key) {
  uint64_t bytes = rng_.Between(8, kInlineBytes);
  if (rng_.OneIn(2)) bytes = rng_.Between(kInlineBytes + 1, 20 << 10);
  if (rng_.OneIn(50)) bytes = rng_.Between(kInlineBytes + 1, kMaxValueBytes);
  batch.ops.push_back({.kind = ModelOp::Kind::kPut,
                       .key = KeyName(key),
                       .end_key = {},
                       .value = SelfDescribingValue(key, bytes, ++world_.serial)});
}

// Writes a key twice in one batch. No version shows the earlier value, so that its slots are free from the
// beginning.
void Worker::AddTwice(ModelBatch& batch) {
  const uint64_t key = rng_.Below(kKeys);
  AddPut(batch, key);
  switch (rng_.Below(3)) {
    case 0:
      AddPut(batch, key);
      break;
    case 1:
      batch.ops.push_back({.kind = ModelOp::Kind::kDelete, .key = KeyName(key), .end_key = {}, .value = {}});
      break;
    default:
      batch.ops.push_back({.kind = ModelOp::Kind::kDeletePrefix,
                           .key = KeyName(key).substr(0, 6),
                           .end_key = {},
                           .value = {}});
      if (rng_.OneIn(2)) AddPut(batch, key);
  }
}

std::shared_ptr<ModelBatch> Worker::NewBatch(CommitId id) {
  auto batch = std::make_shared<ModelBatch>();
  batch->metadata = MetadataOf(id, rng_.OneIn(4) ? rng_.Below(300) : 0);
  if (world_.options.Has("empty") && rng_.OneIn(16)) return batch;
  for (uint64_t n = rng_.OneIn(8) ? rng_.Between(4, 20) : rng_.Between(1, 3); n > 0; --n) {
    const uint64_t key = rng_.Below(kKeys);
    switch (rng_.Below(12)) {
      case 0:
        batch->ops.push_back(
            {.kind = ModelOp::Kind::kDelete, .key = KeyName(key), .end_key = {}, .value = {}});
        break;
      case 1:
        batch->ops.push_back({.kind = ModelOp::Kind::kDeleteRange,
                              .key = KeyName(key),
                              .end_key = KeyName(key + 1 + rng_.Below(6)),
                              .value = {}});
        break;
      case 2:
        if (world_.options.Has("batch_twice")) {
          AddTwice(*batch);
          break;
        }
        [[fallthrough]];
      default:
        AddPut(*batch, key);
    }
  }
  return batch;
}

void Worker::Commit() {
  const CommitId id = world_.history.NewId();
  const std::shared_ptr<ModelBatch> batch = NewBatch(id);
  std::list<std::string> values;
  const WriteBatch write = batch->ToWriteBatch(&values);
  CommitOptions options;
  if (world_.options.Has("durability") && rng_.OneIn(2)) {
    options.durability = rng_.OneIn(2) ? Durability::kUnsafeUnsynced : Durability::kSynced;
  }
  if (world_.options.Has("expected") && rng_.OneIn(8)) {
    const Version tip = world_.engine->version();
    options.expected_version = rng_.OneIn(3) ? Version(tip.value() + 1'000'000) : Next(tip);
    if (rng_.OneIn(4)) options.expected_version = Version(3);
  }
  std::shared_ptr<ModelBatch> modelled = batch;
  if (world_.options.plant == Plant::kLie && !batch->ops.empty() && rng_.OneIn(50)) {
    modelled = std::make_shared<ModelBatch>(*batch);
    modelled->ops.back().value.seed ^= 1ull << 40;
  }
  world_.history.BeginCommit(id, modelled);
  const History::Calm calm = world_.history.TakeCalm();
  const CommitResult result = [&] {
    const Call call(world_.board, number_, "Commit", id);
    return world_.engine->Commit(write, options);
  }();
  JudgeCommit(id, options, result, calm);
  if (!result.ok()) Pause(5);
  if (world_.mood() == World::Mood::kSlowCommits) Pause(10);
}

void Worker::JudgeCommit(CommitId id, const CommitOptions& options, const CommitResult& result,
                         const History::Calm& calm) {
  const bool calm_still = world_.history.CalmSince(calm);
  if (result.ok()) {
    const Version durable = world_.engine->durable_version();
    const Version tip = world_.TipNow();
    world_.tally.Count(result.version == Version() ? "commit?" : "commit");
    if (result.outcome != CommitOutcome::kApplied) world_.Violation("a commit is ok, but not kApplied");
    if (options.expected_version && *options.expected_version != result.version) {
      world_.Violation("a commit that expected version " + ToString(*options.expected_version) +
                       " became version " + ToString(result.version));
    }
    if (world_.history.CalmSince(calm)) {
      const bool synced = options.durability.value_or(Durability::kSynced) == Durability::kSynced;
      if (tip < result.version) {
        world_.Violation("commit of version " + ToString(result.version) + " is acknowledged, version() is " +
                         ToString(tip));
      }
      if (durable > tip) {
        world_.Violation("durable_version() answered " + ToString(durable) + ", version() " + ToString(tip) +
                         " afterwards");
      }
      if (synced && durable < result.version) {
        world_.Violation("synced commit of version " + ToString(result.version) +
                         " is acknowledged, durable_version() is " + ToString(durable));
      }
    }
    return Acknowledge(id, result);
  }
  world_.history.NotApplied(id);
  (void)world_.Expect("commit", result.status, {StatusCode::kFailedPrecondition, StatusCode::kNoSpace});
  if (result.outcome != CommitOutcome::kNotApplied) {
    world_.Violation("a commit has an outcome that is not known: " + result.status.ToString());
  }
  if (result.status.code() == StatusCode::kFailedPrecondition && !options.expected_version && calm_still) {
    world_.Violation("a commit was refused while no rollback was under way: " + result.status.ToString());
  }
}

void Worker::Acknowledge(CommitId id, const CommitResult& result) {
  if (world_.options.plant == Plant::kForget && id % 100 == 0) return;  // some of these were refused anyway
  const std::string wrong = world_.history.Applied(id, result.version);
  if (!wrong.empty()) world_.Violation(wrong);
}

}  // namespace rawkv::stress
