#include <fmt/format.h>

#include <utility>
#include <vector>

#include "engine/admin/inspect.h"
#include "tools/cli/json_text.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/store_access.h"

namespace rawkv::ctl {
namespace {

using Figures = std::vector<std::pair<std::string_view, uint64_t>>;

// Counters since this opening.
Figures CountersOf(const EngineStats& stats) {
  return {{"commits", stats.commits},
          {"groups", stats.groups},
          {"user_bytes_written", stats.user_bytes_written},
          {"log_bytes_written", stats.log_bytes_written},
          {"device_bytes_written", stats.device_bytes_written},
          {"device_bytes_read", stats.device_bytes_read},
          {"device_flushes", stats.device_flushes},
          {"gets", stats.gets},
          {"snapshots_made", stats.snapshots_made},
          {"slots_reclaimed", stats.slots_reclaimed},
          {"index_flushes", stats.index_flushes}};
}

uint64_t LogBytes(const std::vector<LogSegmentRow>& segments) {
  uint64_t bytes = 0;
  for (const LogSegmentRow& segment : segments) bytes += segment.bytes;
  return bytes;
}

// Sizes of the store, independent of this opening.
Figures SizesOf(const EngineInfo& info, const std::vector<LogSegmentRow>& segments) {
  uint64_t snapshot_bytes = 0;
  for (const SnapshotRow& row : info.snapshots) snapshot_bytes += row.bytes;
  return {{"version", info.version.value()},
          {"durable_version", info.durable_version.value()},
          {"capacity_bytes", info.capacity_bytes},
          {"live_bytes", info.slots.live * info.slot_bytes},
          {"pinned_bytes", info.slots.pinned * info.slot_bytes},
          {"reclaimable_bytes", info.slots.reclaimable * info.slot_bytes},
          {"reserved_bytes", info.slots.reserved * info.slot_bytes},
          {"free_bytes", info.slots.free * info.slot_bytes},
          {"snapshots", info.snapshots.size()},
          {"snapshot_bytes", snapshot_bytes},
          {"log_segments", segments.size()},
          {"log_bytes", LogBytes(segments)}};
}

OrderedJson AsJson(const Figures& figures) {
  OrderedJson object;
  for (const auto& [name, value] : figures) object[std::string(name)] = value;
  return object;
}

std::string AsText(const Figures& figures) {
  std::string text;
  for (const auto& [name, value] : figures) text += fmt::format("{:<22} {}\n", name, value);
  return text;
}

}  // namespace

Result<ExitStatus> RunStats(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(const std::string dir, StoreDirOf(call.flags));
  if (call.flags.prometheus) {
    return Status::NotSupported("--prometheus is not supported yet; --json has the same figures");
  }
  RAWKV_ASSIGN_OR_RETURN(const auto engine, OpenStoreToRead(call));
  RAWKV_ASSIGN_OR_RETURN(const EngineInfo info, engine->Info());
  const Figures counters = CountersOf(engine->stats());
  RAWKV_ASSIGN_OR_RETURN(const std::vector<LogSegmentRow> segments, ListLog(dir, OpenOptionsOf(call)));
  RAWKV_RETURN_IF_ERROR(engine->Close());
  const Figures sizes = SizesOf(info, segments);
  if (call.flags.json) {
    RAWKV_RETURN_IF_ERROR(
        call.out.Line(JsonText({{"store", AsJson(sizes)}, {"since_open", AsJson(counters)}})));
  } else {
    RAWKV_RETURN_IF_ERROR(
        call.out.Write("the store\n" + AsText(sizes) + "\nsince this opening\n" + AsText(counters)));
  }
  return ExitStatus::kDone;
}

}  // namespace rawkv::ctl
