#include <fmt/format.h>

#include "engine/cache/object_cache.h"
#include "engine/cache/running_cache.h"
#include "report/metrics.h"
#include "tools/cli/byte_size.h"
#include "tools/cli/text_format.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/store_access.h"

namespace rawkv::ctl {
namespace {

// The cache of a process that has it open. kNotFound: there is none.
Result<RunningCache> FindRunning(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(const std::string dir, StoreDirOf(call.flags));
  return RunningCache::Find(dir);
}

std::string ReportText(const CacheReport& report, const std::string& prefix) {
  std::string text;
  for (const Figure& figure : CacheFiguresOf(report.stats)) {
    text += fmt::format("{:<16} {}\n", figure.name, figure.value);
  }
  if (!prefix.empty()) {
    text += fmt::format("\nkeys with {}: {}, {}\n", EscapeKey(prefix),
                        Counted(report.usage.objects, "object"), HumanBytes(report.usage.bytes));
  }
  for (const ObjectPin& pin : report.pins) {
    text += fmt::format("\npin {}\t{}\t{}", EscapeKey(pin.key), pin.owner, pin.count);
  }
  if (!report.pins.empty()) text += '\n';
  return text;
}

// One pin or unpin of the key that the call names.
Result<ExitStatus> ChangePin(Invocation& call, Result<bool> (RunningCache::*change)(std::string_view) const) {
  const Result<RunningCache> running = FindRunning(call);
  if (running.status().code() == StatusCode::kNotFound) {
    return Status::FailedPrecondition(
        "no process has the cache open, and pins are kept only by such a process");
  }
  RAWKV_RETURN_IF_ERROR(running.status());
  const std::string key = call.flags.key_b64.value_or(call.arguments.empty() ? "" : call.arguments[0]);
  RAWKV_ASSIGN_OR_RETURN(const bool done, ((*running).*change)(key));
  RAWKV_RETURN_IF_ERROR(call.out.Line(call.flags.json ? JsonText({{"done", done}}) : done ? "done" : "no"));
  return done ? ExitStatus::kDone : ExitStatus::kNo;
}

}  // namespace

Result<ExitStatus> RunCacheStats(Invocation& call) {
  const std::string prefix = call.flags.prefix.value_or("");
  if (call.flags.prometheus && call.flags.json) {
    return Status::InvalidArgument("--prometheus stands alone, without --json");
  }
  CacheReport report;
  const Result<RunningCache> running = FindRunning(call);
  if (running.ok()) {
    RAWKV_ASSIGN_OR_RETURN(report, running->Report(prefix));
  } else {
    RAWKV_ASSIGN_OR_RETURN(const std::string dir, StoreDirOf(call.flags));
    Result<CacheReport> read = ObjectCache::Inspect(dir, OpenOptionsOf(call), prefix);
    if (!read.ok()) return TurnAbsentIntoRefused(read.status());
    report = *std::move(read);
  }
  if (call.flags.prometheus) {
    RAWKV_ASSIGN_OR_RETURN(const EngineInfo info, InspectStoreOf(call));
    RAWKV_RETURN_IF_ERROR(call.out.Write(CacheMetricsText(report.stats, info.store_uuid.ToString())));
  } else {
    RAWKV_RETURN_IF_ERROR(call.out.Write(call.flags.json ? JsonText(CacheReportJson(report)) + '\n'
                                                         : ReportText(report, prefix)));
  }
  return ExitStatus::kDone;
}

Result<ExitStatus> RunCacheEvict(Invocation& call) {
  if (!call.flags.size) return Status::InvalidArgument("cache evict needs --size");
  uint64_t evicted = 0;
  const Result<RunningCache> running = FindRunning(call);
  if (running.ok()) {
    RAWKV_ASSIGN_OR_RETURN(evicted, running->Evict(*call.flags.size));
  } else {
    ObjectCacheOptions options;
    RAWKV_ASSIGN_OR_RETURN(options.directory, StoreDirOf(call.flags));
    const OpenOptions open = OpenOptionsOf(call);
    // Never evicts from a store that is no cache.
    const Status is_cache = ObjectCache::Inspect(options.directory, open, {}).status();
    if (!is_cache.ok()) return TurnAbsentIntoRefused(is_cache);
    options.format_if_missing = false;
    options.trigger_watermark = 1;  // evicts only what is asked for
    options.device = open.device;
    options.engine = open.engine;
    RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<ObjectCache> cache, ObjectCache::Open(options));
    RAWKV_ASSIGN_OR_RETURN(evicted, cache->Evict(*call.flags.size));
    RAWKV_RETURN_IF_ERROR(cache->Close());
  }
  RAWKV_RETURN_IF_ERROR(call.out.Line(call.flags.json ? JsonText({{"evicted_bytes", evicted}})
                                                      : fmt::format("{} evicted", HumanBytes(evicted))));
  return ExitStatus::kDone;
}

Result<ExitStatus> RunCachePin(Invocation& call) {
  return ChangePin(call, &RunningCache::Pin);
}

Result<ExitStatus> RunCacheUnpin(Invocation& call) {
  return ChangePin(call, &RunningCache::Unpin);
}

}  // namespace rawkv::ctl
