#include "tools/ctl/store_access.h"

#include <algorithm>

#include "engine/admin/inspect.h"
#include "report/json_text.h"
#include "tools/ctl/work_text.h"

namespace rawkv::ctl {
namespace {

constexpr uint64_t kMaxWaitSeconds = 365 * 86400;

}  // namespace

Result<std::string> StoreDirOf(const Flags& flags) {
  if (!flags.store.has_value()) {
    return Status::InvalidArgument("the store is missing; give --store=DIR or set RAWKV_STORE");
  }
  return *flags.store;
}

OpenOptions OpenOptionsOf(Invocation& call) {
  const Flags& flags = call.flags;
  OpenOptions options;
  options.engine = flags.engine;
  options.settings = flags.settings;
  options.read_only = flags.read_only;
  options.accept_older_store = flags.accept_older_store;
  options.device = flags.device.value_or("");
  options.lock_wait_ms = std::min(flags.wait.value_or(0), kMaxWaitSeconds) * 1000;
  options.progress = call.progress.Callback();
  return options;
}

FormatOptions FormatOptionsOf(const Flags& flags) {
  FormatOptions options;
  options.device = flags.device.value_or("");
  options.capacity_bytes = flags.capacity.value_or(options.capacity_bytes);
  options.slot_bytes = flags.slot_bytes.value_or(options.slot_bytes);
  options.header_bytes = flags.header_bytes.value_or(options.header_bytes);
  options.inline_bytes = flags.inline_bytes.value_or(options.inline_bytes);
  options.meta_total_bytes = flags.meta_total_bytes.value_or(options.meta_total_bytes);
  options.initial_version = flags.initial_version.value_or(options.initial_version);
  options.digest = flags.digest;
  options.force = flags.force;
  options.preallocate = flags.preallocate;
  options.runtime = Changed(options.runtime, flags.settings);
  return options;
}

namespace {

Result<std::unique_ptr<Engine>> OpenWith(Invocation& call, const OpenOptions& options) {
  RAWKV_ASSIGN_OR_RETURN(const std::string dir, StoreDirOf(call.flags));
  Result<std::unique_ptr<Engine>> engine = Engine::Open(dir, options);
  call.progress.Wipe();
  if (!engine.ok()) return TurnAbsentIntoRefused(engine.status());
  return engine;
}

Result<OpenedStore> OwnStore(Result<std::unique_ptr<Engine>> engine) {
  if (!engine.ok()) return engine.status();
  return OpenedStore(std::move(engine).value());
}

Result<OpenedStore> UseSession(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(Engine* const engine, call.session->Use(call));
  return OpenedStore(engine);
}

}  // namespace

Result<std::unique_ptr<Engine>> OpenEngine(Invocation& call) {
  return OpenWith(call, OpenOptionsOf(call));
}

Result<OpenedStore> OpenStore(Invocation& call) {
  if (call.session != nullptr) return UseSession(call);
  return OwnStore(OpenEngine(call));
}

Result<OpenedStore> OpenStoreToRead(Invocation& call) {
  if (call.session != nullptr) return UseSession(call);
  RAWKV_ASSIGN_OR_RETURN(const std::string dir, StoreDirOf(call.flags));
  const Result<bool> interrupted = HasInterruptedWork(dir, OpenOptionsOf(call));
  if (!call.flags.read_only && !call.flags.accept_older_store && interrupted.ok() && *interrupted) {
    Result<OpenedStore> finished = OpenStoreToInspect(call);
    // Otherwise the store may still be readable: another process has it open, or the media are read-only.
    if (finished.ok() || finished.status().code() == StatusCode::kCorruption) return finished;
  }
  OpenOptions options = OpenOptionsOf(call);
  options.read_only = true;
  Result<std::unique_ptr<Engine>> reading = OpenWith(call, options);
  // Without hard links there is no clone to read.
  const bool no_clone = reading.status().code() == StatusCode::kNotSupported;
  return no_clone && !call.flags.read_only && !call.flags.accept_older_store ? OpenStoreToInspect(call)
                                                                             : OwnStore(std::move(reading));
}

Result<OpenedStore> OpenStoreToInspect(Invocation& call) {
  if (call.session != nullptr) return UseSession(call);
  OpenOptions options = OpenOptionsOf(call);
  options.only_look = true;
  options.lock_wait_ms = 0;  // info has an answer while a writer is there
  return OwnStore(OpenWith(call, options));
}

Result<EngineInfo> InspectStoreOf(Invocation& call) {
  if (call.session != nullptr) {
    RAWKV_ASSIGN_OR_RETURN(const auto engine, OpenStoreToInspect(call));
    return engine->Info();
  }
  RAWKV_ASSIGN_OR_RETURN(const std::string dir, StoreDirOf(call.flags));
  return InspectStore(dir, OpenOptionsOf(call));
}

Status ResolveTime(Engine& engine, Flags& flags) {
  if (!flags.time.has_value()) return Status::Ok();
  RAWKV_ASSIGN_OR_RETURN(flags.version, engine.FindVersionAt(*flags.time));
  flags.time.reset();
  return Status::Ok();
}

Result<Version> ResolveBound(Engine& engine, const VersionBound& bound) {
  if (bound.version.has_value()) return *bound.version;
  return engine.FindVersionAt(bound.unix_ms.value_or(0));
}

Result<std::shared_ptr<const ReadView>> OpenViewOf(Invocation& call, Engine& engine) {
  RAWKV_RETURN_IF_ERROR(ResolveTime(engine, call.flags));
  if (!call.flags.version.has_value()) return std::shared_ptr<const ReadView>();
  AnnounceView(call, engine, *call.flags.version);
  return engine.OpenView(call.flags.version);
}

ProgressFn WithTotal(const ProgressFn& progress, uint64_t bytes_total) {
  if (!progress) return nullptr;
  return [progress, bytes_total](const Progress& report) {
    Progress with_total = report;
    // More than the estimate was read: no total is better than a wrong one.
    with_total.total = report.done <= bytes_total ? bytes_total : 0;
    progress(with_total);
  };
}

ReadEstimate EstimateReads(Invocation& call, Engine& engine) {
  if (!call.progress.Callback()) return {};
  const Result<EngineInfo> info = engine.Info();
  if (!info.ok()) return {};
  ReadEstimate estimate;
  uint64_t index_bytes = 0;  // holds the small values
  for (const SnapshotRow& row : info->snapshots) {
    estimate.store_bytes += row.bytes;
    index_bytes = row.bytes;
  }
  estimate.tip_bytes = info->slots.live * info->slot_bytes + index_bytes;
  estimate.store_bytes += (info->slots.live + info->slots.pinned) * info->slot_bytes;
  return estimate;
}

Result<Version> CommitBatch(Engine& engine, const WriteBatch& batch, const CommitOptions& options) {
  const CommitResult result = engine.Commit(batch, options);
  if (result.ok()) return result.version;
  if (result.outcome != CommitOutcome::kUnknown) return result.status;
  return Status(result.status.code(),
                result.status.message() +
                    "; it is not known whether the version was made: open the store again "
                    "(`rawkv-ctl info`) to find out");
}

Result<Version> RequireVersion(const Flags& flags) {
  if (!flags.version.has_value()) return Status::InvalidArgument("the version is missing; give --version=N");
  return *flags.version;
}

Status RequireVersionOrTime(const Flags& flags) {
  if (flags.version.has_value() || flags.time.has_value()) return Status::Ok();
  return Status::InvalidArgument("the version is missing; give --version=N or --time=TIME");
}

Status PrintVersion(Invocation& call, Version version) {
  const std::string line = call.flags.json ? JsonText({{"version", version.value()}}) : ToString(version);
  RAWKV_RETURN_IF_ERROR(call.out.Line(line));
  return call.out.Flush();
}

}  // namespace rawkv::ctl
