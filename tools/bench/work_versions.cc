#include "engine/engine.h"
#include "tools/bench/child.h"
#include "tools/bench/work.h"

namespace rawkv::bench {
namespace {

Result<Engine*> VersionedEngine(Subject& subject) {
  if (subject.peer->engine() == nullptr) return Status::NotSupported("it keeps no versions");
  return subject.peer->engine();
}

Status CommitVersions(Subject& subject, uint64_t versions, Random& random) {
  for (uint64_t i = 0; i < versions; ++i) {
    RAWKV_RETURN_IF_ERROR(CommitOne(subject, CommitMode::kUnsynced, random));
  }
  return subject.peer->Sync();
}

Status SetSnapshotInterval(Engine& engine, uint64_t interval) {
  SettingsChange change;
  change.snapshot_interval = interval;
  return engine.ChangeSettings(change).status();
}

}  // namespace

Status Rollback(const Case& which, Subject& subject, Random& random, Sample* sample) {
  RAWKV_ASSIGN_OR_RETURN(Engine* const engine, VersionedEngine(subject));
  const Version target = engine->version();
  RAWKV_RETURN_IF_ERROR(CommitVersions(subject, which.depth, random));
  const auto begin = Clock::now();
  RAWKV_RETURN_IF_ERROR(engine->Rollback(target));
  (*sample)["time"] = Seconds(Clock::now() - begin) * 1e3;
  return Status::Ok();
}

// Opens a view between a snapshot and the tip, too far from the tip for undo records.
Status ReplayLog(const Case& which, Subject& subject, Random& random, Sample* sample) {
  constexpr uint64_t kAboveTarget = 1000;  // versions
  RAWKV_ASSIGN_OR_RETURN(Engine* const engine, VersionedEngine(subject));
  const uint64_t usual = RuntimeSettings().snapshot_interval;
  RAWKV_RETURN_IF_ERROR(SetSnapshotInterval(*engine, 0));
  RAWKV_ASSIGN_OR_RETURN(const Version base, engine->CreateSnapshot());
  RAWKV_RETURN_IF_ERROR(CommitVersions(subject, which.depth + kAboveTarget, random));
  const auto begin = Clock::now();
  RAWKV_RETURN_IF_ERROR(engine->OpenView(Version(base.value() + which.depth)).status());
  (*sample)["throughput"] = static_cast<double>(which.depth) / Seconds(Clock::now() - begin);
  return SetSnapshotInterval(*engine, usual);
}

Status OpenAfterKill(const Case& which, Subject& subject, Random&, Sample* sample) {
  RAWKV_RETURN_IF_ERROR(subject.peer->Close());
  RAWKV_RETURN_IF_ERROR(CommitUntilKilled(subject, which.depth));
  const auto begin = Clock::now();
  RAWKV_RETURN_IF_ERROR(subject.peer->Open(Access::kRandom));
  (*sample)["time"] = Seconds(Clock::now() - begin) * 1e3;
  return Status::Ok();
}

Status MemoryPerKey(const Case&, Subject& subject, Random&, Sample* sample) {
  RAWKV_RETURN_IF_ERROR(subject.peer->Close());
  RAWKV_ASSIGN_OR_RETURN(const MemoryUse memory, MemoryOfChild(subject));
  const auto keys = static_cast<double>(subject.keys);
  (*sample)["after-open"] = static_cast<double>(memory.after_open_bytes) / keys;
  (*sample)["after-reads"] = static_cast<double>(memory.after_reads_bytes) / keys;
  return subject.peer->Open(Access::kRandom);
}

}  // namespace rawkv::bench
