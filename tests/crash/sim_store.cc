#include "tests/crash/sim_store.h"

#include <algorithm>
#include <list>

#include "engine/rocksdb/stall_watch.h"
#include "engine/transfer/transfer.h"
#include "tests/support/index_threads.h"

namespace rawkv {
namespace {

constexpr char kDevice[] = "/device";
constexpr char kImportDevice[] = "/import-device";
constexpr uint64_t kSlotBytes = 4096;
constexpr uint64_t kInlineValue = 100;
constexpr uint64_t kPayloadValue = 5000;  // two slots
constexpr uint64_t kLargePayloadValue = 9000;

}  // namespace

const char* SimOpName(SimOp op) {
  constexpr const char* kNames[kSimOps] = {
      "commit inline", "commit payload", "overwrite", "delete", "multi-key", "snapshot", "prune", "rollback",
      "reopen",        "flush",          "export",    "import", "pin old",   "trim",     "grow"};
  return kNames[static_cast<size_t>(op)];
}

bool Promise::Reaches(Version version) const {
  return std::any_of(reachable.begin(), reachable.end(),
                     [&](const auto& range) { return range.first <= version && version <= range.second; });
}

SimStore::SimStore(SimWorld& world, const SimConfig& config, uint64_t seed)
    : world_(world), config_(config), next_seed_(seed << 20) {
  // Otherwise each of the many short openings would start a thread of its own.
  static const std::shared_ptr<StallReporter> kept = StallReporter::Shared();
  if (config.keeps_directories) world.disk().KeepDirectories();
}

SimStore::~SimStore() {
  if (engine_ != nullptr) (void)engine_->Close();
}

OpenOptions SimStore::Options(const Environment& env, const SimConfig& config) {
  OpenOptions o;
  o.env = env;
  o.memtable_bytes = config.memtable_bytes;
  o.block_cache_bytes = 1 << 20;
  // A thread would do its I/O at any moment of a history.
  o.status_interval_ms = 0;
  o.checkpoint_interval_ms = 0;
  o.settings.undo_versions = config.undo_versions;
  return o;
}

FormatOptions SimStore::FormatFor(const Environment& env, const SimConfig& config,
                                  const std::string& device) {
  FormatOptions o;
  o.device = device;
  // 18 blocks are superblocks and metadata region.
  o.capacity_bytes = (config.slots + 18) * kSlotBytes;
  o.slot_bytes = kSlotBytes;
  o.header_bytes = config.header_bytes;
  o.meta_total_bytes = config.checkpoints ? 16 * kSlotBytes : 0;
  o.runtime = {.snapshot_interval = config.snapshot_interval,
               .wal_segment_bytes = config.wal_segment_bytes,
               .durability = config.durability};
  o.env = env;
  return o;
}

Status SimStore::Format() {
  // Makes all devices at the start: a crash state cannot create or remove a device.
  world_.disk().AddDevice(kImportDevice, (config_.slots + 18) * kSlotBytes);
  world_.disk().AddDevice(kJudgeDevice, (config_.slots + 18) * kSlotBytes);
  return Engine::Format(kDir, FormatFor(world_.env(), config_, kDevice)).status();
}

Status SimStore::MakeStartHistory() {
  RAWKV_RETURN_IF_ERROR(Open(Promise()));
  RAWKV_RETURN_IF_ERROR(Commit({.ops = {Put("p0", kPayloadValue), Put("i0", kInlineValue)}}));
  RAWKV_RETURN_IF_ERROR(Commit({.ops = {Put("p1", kPayloadValue), Put("i1", kInlineValue)}}));
  RAWKV_RETURN_IF_ERROR(engine_->CreateSnapshot().status());
  RAWKV_RETURN_IF_ERROR(Commit({.ops = {Put("p0", kLargePayloadValue)}}));
  RAWKV_RETURN_IF_ERROR(
      Commit({.ops = {Put("p2", kPayloadValue), {.kind = ModelOp::Kind::kDelete, .key = "i1"}}}));
  RAWKV_RETURN_IF_ERROR(Export());
  RAWKV_RETURN_IF_ERROR(RecordPromise());
  return Close();
}

Status SimStore::OpenEngine() {
  RAWKV_ASSIGN_OR_RETURN(engine_, Engine::Open(kDir, Options(world_.env(), config_)));
  return Status::Ok();
}

Status SimStore::Open(Promise promise) {
  now_ = std::move(promise);
  RAWKV_RETURN_IF_ERROR(OpenEngine());
  if (engine_->version() != now_.model.tip()) {
    return Status::Internal("opened at version " + ToString(engine_->version()));
  }
  now_.durable = now_.model.tip();  // an open makes the versions that it found durable
  return RecordPromise();
}

Status SimStore::Close() {
  RAWKV_RETURN_IF_ERROR(engine_->Close());
  engine_.reset();
  AwaitIndexThreads();
  return Status::Ok();
}

Status SimStore::ReopenAfterKill() {
  engine_.reset();
  AwaitIndexThreads();
  world_.Restart();
  return OpenEngine();
}

Status SimStore::Adopt(const Promise& found) {
  now_ = found;
  return RecordPromise();
}

Status SimStore::RecordPromise() {
  if (config_.await_index) AwaitIndexThreads();
  if (engine_ != nullptr) {
    RAWKV_ASSIGN_OR_RETURN(const EngineInfo info, engine_->Info());
    now_.reachable = info.reachable;
    now_.durable = info.durable_version;
  }
  world_.disk().Mark(promises_.size());
  promises_.push_back(now_);
  return Status::Ok();
}

ModelOp SimStore::Put(const std::string& key, uint64_t bytes) {
  return {.kind = ModelOp::Kind::kPut, .key = key, .value = {++next_seed_, bytes}};
}

Status SimStore::Commit(const ModelBatch& batch) {
  std::list<std::string> values;
  const CommitResult result = engine_->Commit(batch.ToWriteBatch(&values));
  RAWKV_RETURN_IF_ERROR(result.status);
  const Version version = now_.model.Commit(batch);
  if (version == result.version) return Status::Ok();
  return Status::Internal("commit made version " + ToString(result.version) + " instead of " +
                          ToString(version));
}

Status SimStore::Rollback() {
  const Version floor = now_.reachable.back().first;
  const Version tip = now_.model.tip();
  const Version target(std::max(floor.value(), tip.value() - std::min<uint64_t>(2, tip.value())));
  const Status status = engine_->Rollback(target, {.drop_pins = true});
  // An automatic snapshot may have made the target unreachable. Then the rollback changes nothing.
  if (config_.snapshot_interval != 0 && status.code() == StatusCode::kVersionUnreachable) return Status::Ok();
  RAWKV_RETURN_IF_ERROR(status);
  now_.model.RollBackTo(target);
  return Status::Ok();
}

Status SimStore::Export() {
  const std::string out = "/export" + std::to_string(now_.exports.size());
  // Exports the tip and an older version in turn: one reads the working index, the other a clone.
  const Version version =
      step_ % 2 == 0 || now_.reachable.empty() ? now_.model.tip() : now_.reachable.back().first;
  const Status status = engine_->Export({.version = version, .out = out, .chunk_bytes = 1 << 20});
  if (config_.snapshot_interval != 0 && status.code() == StatusCode::kVersionUnreachable) return Status::Ok();
  RAWKV_RETURN_IF_ERROR(status);
  now_.exports[out] = {version, now_.model.At(version)};
  return Status::Ok();
}

Status SimStore::Import() {
  // There is one device for imports, so that only one import can be made.
  if (!now_.imports.empty()) return Status::Ok();
  const auto& [in, copy] = *now_.exports.begin();
  RAWKV_RETURN_IF_ERROR(
      ImportStore("/import0", {.in = in, .format = FormatFor(world_.env(), config_, kImportDevice)})
          .status());
  now_.imports["/import0"] = copy;
  return Status::Ok();
}

Status SimStore::PinOld() {
  const Status unpinned = engine_->Unpin("pin");
  if (unpinned.ok()) {
    RAWKV_RETURN_IF_ERROR(RecordPromise());
  } else if (unpinned.code() != StatusCode::kFailedPrecondition) {  // there was no pin
    return unpinned;
  }
  const Status pinned = engine_->Pin("pin", Previous(now_.model.tip())).status();
  // The tip may be the oldest version that is kept.
  return pinned.code() == StatusCode::kVersionUnreachable ? Status::Ok() : pinned;
}

Status SimStore::Grow() {
  RAWKV_ASSIGN_OR_RETURN(const EngineInfo before, engine_->Info());
  if (before.slots.total >= config_.slots + 8) return Status::Ok();
  const uint64_t capacity = before.capacity_bytes + 4 * kSlotBytes;
  RAWKV_ASSIGN_OR_RETURN(const GrowReport report, engine_->GrowDevice({.capacity_bytes = capacity}));
  RAWKV_ASSIGN_OR_RETURN(const EngineInfo after, engine_->Info());
  if (report.slots == before.slots.total + 4 && after.slots.total == report.slots) return Status::Ok();
  return Status::Internal("grown to " + std::to_string(after.slots.total) + " slots");
}

Status SimStore::Run(SimOp op) {
  const std::string n = std::to_string(++step_);
  Status status;
  switch (op) {
    case SimOp::kCommitInline:
      status = Commit({.ops = {Put("i" + n, kInlineValue)}, .metadata = "step " + n});
      break;
    case SimOp::kCommitPayload:
      status = Commit({.ops = {Put("p" + n, kPayloadValue)}});
      break;
    case SimOp::kOverwrite:
      status = Commit({.ops = {Put("p0", kLargePayloadValue)}});
      break;
    case SimOp::kDelete:
      status = Commit({.ops = {{.kind = ModelOp::Kind::kDelete, .key = "p1"}}});
      break;
    case SimOp::kMultiKey:
      status = Commit({.ops = {Put("i0", kInlineValue),
                               Put("p1", kLargePayloadValue),
                               Put("p" + n, kPayloadValue),
                               {.kind = ModelOp::Kind::kDeleteRange, .key = "p2", .end_key = "p2~"}}});
      break;
    case SimOp::kSnapshot:
      status = engine_->CreateSnapshot().status();
      break;
    case SimOp::kPrune:
      status = engine_->Prune(0).status();
      break;
    case SimOp::kRollback:
      status = Rollback();
      break;
    case SimOp::kReopen:
      status = Close();
      if (status.ok()) status = OpenEngine();
      break;
    case SimOp::kFlush: {
      ModelBatch batch;
      for (uint64_t i = 0; i * 900 < config_.memtable_bytes + 4096; ++i) {
        batch.ops.push_back(Put("f" + std::to_string(i), 900));
      }
      status = Commit(batch);
      break;
    }
    case SimOp::kExport:
      status = Export();
      break;
    case SimOp::kImport:
      status = Import();
      break;
    case SimOp::kPinOld:
      status = PinOld();
      break;
    case SimOp::kGrow:
      status = Grow();
      break;
    case SimOp::kTrim:
      status = engine_->TrimDevice().status();
      break;
  }
  RAWKV_RETURN_IF_ERROR(status.WithContext(SimOpName(op)));
  return RecordPromise();
}

}  // namespace rawkv
