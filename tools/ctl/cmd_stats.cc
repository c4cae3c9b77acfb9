#include <fmt/format.h>

#include <algorithm>
#include <optional>
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

// Counters since the open of a process.
Figures CountersOf(const EngineStats& stats) {
  return {{"commits", stats.commits, "Versions made."},
          {"groups", stats.groups, "Commit groups, which share a sync."},
          {"user_bytes_written", stats.user_bytes_written, "Keys and values of commits, in bytes."},
          {"log_bytes_written", stats.log_bytes_written, "Bytes written to the changelog."},
          {"device_bytes_written", stats.device_bytes_written, "Bytes written to the device."},
          {"device_bytes_read", stats.device_bytes_read, "Bytes read from the device."},
          {"device_flushes", stats.device_flushes, "Flushes of the device."},
          {"gets", stats.gets, "Calls that read a key."},
          {"snapshots_made", stats.snapshots_made, "Snapshots made."},
          {"slots_reclaimed", stats.slots_reclaimed, "Slots that were freed for reuse."},
          {"versions_given_up", stats.versions_given_up,
           "Versions that the settings would keep, given up for space."},
          {"index_flushes", stats.index_flushes, "Flushes of the index."},
          {"views_built", stats.views_built, "Views of old versions that got an index of their own."},
          {"views_shared", stats.views_shared, "Views of old versions that used an index that was there."}};
}

// The speed of a replay, which is no counter.
Figure ReplayRateOf(const EngineStats& stats) {
  return {"replay_bytes_per_second", stats.replay_bytes_per_second,
          "Log replayed a second in the newest replay of 1 MiB or more; 0: there was none."};
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
      {"given_up_versions", info.given_up ? info.given_up->versions : 0,
       "Versions given up for space since the last acknowledgement."},
      {"healthy", info.health == "ok" ? 1u : 0u,
       "1, or 0 if the process that has the store open has failed; info shows the error."}};
}

uint64_t DoneOf(const WriterStatus& writer, std::string_view what) {
  uint64_t done = 0;
  for (const WriterActivity& activity : writer.activities) done += activity.what == what ? activity.done : 0;
  return done;
}

bool IsUnderWay(const WriterStatus& writer, std::string_view what) {
  const auto is_it = [what](const WriterActivity& activity) { return activity.what == what; };
  return std::any_of(writer.activities.begin(), writer.activities.end(), is_it);
}

// What the process that has the store open reports about itself. Without a report only "writer_up".
Figures WriterFiguresOf(const EngineInfo& info) {
  Figures figures = {{"writer_up", info.writer && info.writer->status ? 1u : 0u,
                      "1 if a process has the store open for writing and reports its state."}};
  if (!info.writer || !info.writer->status) return figures;
  const WriterStatus& w = *info.writer->status;
  const auto bytes = [&info](uint64_t slots) { return slots * info.slot_bytes; };
  const Figures more = {
      {"writer_open", w.state == "open" ? 1u : 0u,
       "1 if the process takes commits; 0 while it opens the store or rolls it back, and if it is unusable."},
      {"writer_healthy", w.health == "ok" ? 1u : 0u, "1, or 0 after an error that ended all commits."},
      {"writer_opened_seconds", w.opened_unix_ms / 1000, "Time of the open, in seconds since 1970."},
      {"writer_reported_seconds", w.unix_ms / 1000,
       "Time of the report, in seconds since 1970; an idle process does not repeat it."},
      {"writer_version", w.version.value(), "The newest version that readers of the process see."},
      {"writer_durable_version", w.durable_version.value(),
       "The newest version that the process knows to be durable."},
      {"writer_free_bytes", bytes(w.slots_free), "Free slots."},
      {"writer_available_bytes", bytes(w.slots_available),
       "Slots that commits can get: free ones, and those of history that nothing holds."},
      {"writer_replay_under_way", IsUnderWay(w, "replay"), "1 while an open or a rollback replays the log."},
      {"writer_replay_versions_done", DoneOf(w, "replay"), "Versions that this replay has done."},
      {"writer_snapshot_under_way", IsUnderWay(w, "snapshot"), "1 while a snapshot is made."},
      {"writer_scrub_under_way", IsUnderWay(w, "scrub"), "1 while a scrub runs."},
      {"writer_scrub_bytes_done", DoneOf(w, "scrub"), "Bytes that this scrub has read."}};
  figures.insert(figures.end(), more.begin(), more.end());
  return figures;
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
  EngineStats stats;  // of this opening
  Figures writer;
  std::optional<EngineStats> writer_stats;
  WatchFigures watched;
};

Figures SinceOpen(const Sample& sample) {
  Figures figures = CountersOf(sample.stats);
  figures.push_back(ReplayRateOf(sample.stats));
  return figures;
}

// How a figure becomes a metric "rawkv_<prefix><name><suffix>".
struct MetricForm {
  std::string_view prefix = "", suffix = "", type = "gauge";
};

std::string MetricText(const Figure& figure, const MetricForm& form, const std::string& store_uuid) {
  const std::string name = fmt::format("rawkv_{}{}{}", form.prefix, figure.name, form.suffix);
  return fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n{0}{{store=\"{3}\"}} {4}\n", name, figure.help,
                     form.type, store_uuid, figure.value);
}

// The text exposition format, version 0.0.4. The counters are those of the process that has the store open.
// Those of this process are not in it: they count from its own opening, so that they are always near zero.
std::string PrometheusText(const Sample& sample) {
  std::string text;
  const auto add = [&](const Figures& figures, const MetricForm& form) {
    for (const Figure& figure : figures) text += MetricText(figure, form, sample.store_uuid);
  };
  add(sample.sizes, {});
  add(sample.writer, {});
  if (!sample.writer_stats) return text;
  add({ReplayRateOf(*sample.writer_stats)}, {.prefix = "writer_"});
  add(CountersOf(*sample.writer_stats), {.prefix = "writer_", .suffix = "_total", .type = "counter"});
  return text;
}

std::string SampleJson(const Sample& sample) {
  return JsonText({{"store", AsJson(sample.sizes)}, {"since_open", AsJson(SinceOpen(sample))}}) + '\n';
}

std::string SampleText(const Sample& sample) {
  return "the store\n" + AsText(sample.sizes) + "\nsince this opening\n" + AsText(SinceOpen(sample));
}

Result<Sample> TakeSample(Invocation& call, const std::string& dir) {
  RAWKV_ASSIGN_OR_RETURN(const auto engine, OpenStoreToRead(call));
  RAWKV_ASSIGN_OR_RETURN(const EngineInfo info, engine->Info());
  const EngineStats stats = engine->stats();
  RAWKV_ASSIGN_OR_RETURN(const std::vector<LogSegmentRow> segments, ListLog(dir, OpenOptionsOf(call)));
  RAWKV_RETURN_IF_ERROR(engine.Close());
  Sample sample{.store_uuid = info.store_uuid.ToString(),
                .sizes = SizesOf(info, segments),
                .stats = stats,
                .writer = WriterFiguresOf(info),
                .writer_stats = {},
                .watched = WatchFiguresOf(info, segments)};
  if (info.writer && info.writer->status) sample.writer_stats = info.writer->status->stats;
  return sample;
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
