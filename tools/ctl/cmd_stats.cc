#include <fmt/format.h>

#include <string_view>
#include <vector>

#include "engine/admin/inspect.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/json_text.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/store_access.h"
#include "tools/ctl/watch_rows.h"

namespace rawkv::ctl {
namespace {

// One number of the store.
struct Figure {
  std::string_view name;  // in JSON and text; the metric of Prometheus is "rawkv_<name>"
  uint64_t value = 0;
  std::string_view help = "";
};
using Figures = std::vector<Figure>;

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
          {"versions_given_up", stats.versions_given_up},
          {"index_flushes", stats.index_flushes}};
}

// Sizes of the store, independent of this opening.
Figures SizesOf(const EngineInfo& info, const std::vector<LogSegmentRow>& segments) {
  uint64_t snapshot_bytes = 0;
  for (const SnapshotRow& row : info.snapshots) snapshot_bytes += row.bytes;
  const SlotUse& slots = info.slots;
  const auto bytes = [&info](uint64_t count) { return count * info.slot_bytes; };
  return {
      {"version", info.version.value(), "The newest version."},
      {"durable_version", info.durable_version.value(), "The newest version that is known to be durable."},
      {"capacity_bytes", info.capacity_bytes, "Size of the device."},
      {"live_bytes", bytes(slots.live), "Slots that the keys of the newest version use."},
      {"pinned_bytes", bytes(slots.pinned), "Freed slots that a retained version still needs."},
      {"reclaimable_bytes", bytes(slots.reclaimable),
       "Freed slots that nothing needs; commits may use them."},
      {"reserved_bytes", bytes(slots.reserved), "Slots of commits that are under way."},
      {"free_bytes", bytes(slots.free), "Free slots."},
      {"available_bytes", bytes(slots.available),
       "Slots that commits can get: free ones, and those of history that nothing holds."},
      {"snapshots", info.snapshots.size(), "Number of snapshots."},
      {"snapshot_bytes", snapshot_bytes, "Size of all snapshots; files that they share count once for each."},
      {"log_segments", segments.size(), "Number of segments of the changelog."},
      {"log_bytes", LogBytes(segments), "Size of the changelog."},
      {"healthy", info.health == "ok" ? 1u : 0u,
       "1, or 0 if the process that has the store open has failed; info shows the error."}};
}

OrderedJson AsJson(const Figures& figures) {
  OrderedJson object;
  for (const Figure& figure : figures) object[std::string(figure.name)] = figure.value;
  return object;
}

std::string AsText(const Figures& figures) {
  std::string text;
  for (const Figure& figure : figures) text += fmt::format("{:<22} {}\n", figure.name, figure.value);
  return text;
}

struct Sample {
  std::string store_uuid;
  Figures sizes;
  Figures counters;
  WatchFigures watched;
};

// The text exposition format, version 0.0.4. The counters are not in it: they count from the opening of this
// process, so that they are always near zero.
std::string PrometheusText(const Sample& sample) {
  std::string text;
  for (const Figure& figure : sample.sizes) {
    text += fmt::format("# HELP rawkv_{0} {1}\n# TYPE rawkv_{0} gauge\nrawkv_{0}{{store=\"{2}\"}} {3}\n",
                        figure.name, figure.help, sample.store_uuid, figure.value);
  }
  return text;
}

std::string SampleJson(const Sample& sample) {
  return JsonText({{"store", AsJson(sample.sizes)}, {"since_open", AsJson(sample.counters)}}) + '\n';
}

std::string SampleText(const Sample& sample) {
  return "the store\n" + AsText(sample.sizes) + "\nsince this opening\n" + AsText(sample.counters);
}

Result<Sample> TakeSample(Invocation& call, const std::string& dir) {
  RAWKV_ASSIGN_OR_RETURN(const auto engine, OpenStoreToRead(call));
  RAWKV_ASSIGN_OR_RETURN(const EngineInfo info, engine->Info());
  const Figures counters = CountersOf(engine->stats());
  RAWKV_ASSIGN_OR_RETURN(const std::vector<LogSegmentRow> segments, ListLog(dir, OpenOptionsOf(call)));
  RAWKV_RETURN_IF_ERROR(engine.Close());
  return Sample{info.store_uuid.ToString(), SizesOf(info, segments), counters,
                WatchFiguresOf(info, segments)};
}

// Prints a sample every `seconds` until a signal ends it. Each sample opens the store again, so that nothing
// is held between two samples: neither a lock nor a version.
Result<ExitStatus> Watch(Invocation& call, const std::string& dir, uint64_t seconds) {
  HoldSignals();
  RateMeter meter;
  for (uint64_t row = 0;; ++row) {
    RAWKV_ASSIGN_OR_RETURN(const Sample sample, TakeSample(call, dir));
    if (call.flags.json) {
      RAWKV_RETURN_IF_ERROR(call.out.Write(SampleJson(sample)));
    } else {
      if (row == 0 || (call.out.terminal() && row % kRowsPerHeader == 0)) {
        RAWKV_RETURN_IF_ERROR(call.out.Line(WatchHeader()));
      }
      RAWKV_RETURN_IF_ERROR(call.out.Line(WatchLine(sample.watched, meter.Add(sample.watched))));
    }
    RAWKV_RETURN_IF_ERROR(call.out.Flush());
    if (WaitForInterrupt(seconds * 1000)) return ExitStatus::kDone;
  }
}

}  // namespace

Result<ExitStatus> RunStats(Invocation& call) {
  const Flags& flags = call.flags;
  RAWKV_ASSIGN_OR_RETURN(const std::string dir, StoreDirOf(flags));
  if (flags.prometheus && (flags.json || flags.watch.has_value())) {
    return Status::InvalidArgument("--prometheus stands alone, without --json and --watch");
  }
  if (flags.watch.has_value()) return Watch(call, dir, *flags.watch);
  RAWKV_ASSIGN_OR_RETURN(const Sample sample, TakeSample(call, dir));
  RAWKV_RETURN_IF_ERROR(call.out.Write(flags.prometheus ? PrometheusText(sample)
                                       : flags.json     ? SampleJson(sample)
                                                        : SampleText(sample)));
  return ExitStatus::kDone;
}

}  // namespace rawkv::ctl
