#include "report/metrics.h"

#include <algorithm>
#include <optional>

namespace rawkv {
namespace {

// The texts of figures that occur twice.
constexpr std::string_view kWriterUpHelp =
    "1 if a process has the store open for writing and reports its state.";
constexpr std::string_view kWriterOpenHelp =
    "1 if the process takes commits; 0 while it opens the store or rolls it back, and if it is unusable.";
constexpr std::string_view kWriterHealthyHelp = "1, or 0 after an error that ended all commits.";
constexpr std::string_view kWriterVersionHelp = "The newest version that readers of the process see.";
constexpr std::string_view kWriterDurableHelp = "The newest version that the process knows to be durable.";
constexpr std::string_view kFreeHelp = "Free slots.";
constexpr std::string_view kAvailableHelp =
    "Slots that commits can get: free ones, and those of history that nothing holds.";

// The speed of a replay, which is no counter.
Figure ReplayRateOf(const EngineStats& stats) {
  return {"replay_bytes_per_second", stats.replay_bytes_per_second,
          "Log replayed a second in the newest replay of 1 MiB or more; 0: there was none."};
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
  Figures figures = {{"writer_up", info.writer && info.writer->status ? 1u : 0u, kWriterUpHelp}};
  if (!info.writer || !info.writer->status) return figures;
  const WriterStatus& w = *info.writer->status;
  const auto bytes = [&info](uint64_t slots) { return slots * info.slot_bytes; };
  const Figures more = {
      {"writer_open", w.state == "open" ? 1u : 0u, kWriterOpenHelp},
      {"writer_healthy", w.health == "ok" ? 1u : 0u, kWriterHealthyHelp},
      {"writer_opened_seconds", w.opened_unix_ms / 1000, "Time of the open, in seconds since 1970."},
      {"writer_reported_seconds", w.unix_ms / 1000,
       "Time of the report, in seconds since 1970; an idle process does not repeat it."},
      {"writer_version", w.version.value(), kWriterVersionHelp},
      {"writer_durable_version", w.durable_version.value(), kWriterDurableHelp},
      {"writer_free_bytes", bytes(w.slots_free), kFreeHelp},
      {"writer_available_bytes", bytes(w.slots_available), kAvailableHelp},
      {"writer_replay_under_way", IsUnderWay(w, "replay"), "1 while an open or a rollback replays the log."},
      {"writer_replay_versions_done", DoneOf(w, "replay"), "Versions that this replay has done."},
      {"writer_snapshot_under_way", IsUnderWay(w, "snapshot"), "1 while a snapshot is made."},
      {"writer_scrub_under_way", IsUnderWay(w, "scrub"), "1 while a scrub runs."},
      {"writer_scrub_bytes_done", DoneOf(w, "scrub"), "Bytes that this scrub has read."}};
  figures.insert(figures.end(), more.begin(), more.end());
  return figures;
}

// The same for a store that this process has open for writing.
Figures OwnFiguresOf(const EngineInfo& info) {
  const auto bytes = [&info](uint64_t slots) { return slots * info.slot_bytes; };
  const uint64_t healthy = info.health == "ok" ? 1u : 0u;
  return {{"writer_up", 1, kWriterUpHelp},
          {"writer_open", healthy, kWriterOpenHelp},
          {"writer_healthy", healthy, kWriterHealthyHelp},
          {"writer_version", info.version.value(), kWriterVersionHelp},
          {"writer_durable_version", info.durable_version.value(), kWriterDurableHelp},
          {"writer_free_bytes", bytes(info.slots.free), kFreeHelp},
          {"writer_available_bytes", bytes(info.slots.available), kAvailableHelp}};
}

// How a figure becomes a metric "rawkv_<prefix><name><suffix>".
struct MetricForm {
  std::string_view prefix = "", suffix = "", type = "gauge";
};

std::string MetricText(const Figure& figure, const MetricForm& form, const std::string& store_uuid) {
  const std::string name =
      "rawkv_" + std::string(form.prefix) + std::string(figure.name) + std::string(form.suffix);
  return "# HELP " + name + " " + std::string(figure.help) + "\n# TYPE " + name + " " +
         std::string(form.type) + "\n" + name + "{store=\"" + store_uuid + "\"} " +
         std::to_string(figure.value) + "\n";
}

}  // namespace

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
          {"checkpoints_written", stats.checkpoints_written, "Checkpoints written to the device."},
          {"checkpoints_failed", stats.checkpoints_failed, "Checkpoints that could not be written."},
          {"views_built", stats.views_built, "Views of old versions that got an index of their own."},
          {"views_shared", stats.views_shared, "Views of old versions that used an index that was there."}};
}

Figures CountersAndRateOf(const EngineStats& stats) {
  Figures figures = CountersOf(stats);
  figures.push_back(ReplayRateOf(stats));
  return figures;
}

Figures ValueCacheOf(const EngineStats& stats) {
  return {{"value_cache_hits", stats.value_cache_hits, "Look-ups that found the value in the cache."},
          {"value_cache_misses", stats.value_cache_misses, "Look-ups that did not."},
          {"value_cache_bytes", stats.value_cache_bytes, "Memory that the cached values use."}};
}

uint64_t LogBytes(const std::vector<LogSegmentRow>& segments) {
  uint64_t bytes = 0;
  for (const LogSegmentRow& segment : segments) bytes += segment.bytes;
  return bytes;
}

namespace {

void AddCheckpoint(const EngineInfo& info, Figures* figures) {
  if (!info.checkpoint) return;
  const CheckpointInfo& checkpoint = *info.checkpoint;
  figures->push_back({"checkpoint_version", checkpoint.version.value_or(Version()).value(),
                      "Version of the newest checkpoint on the device; 0 without one."});
  figures->push_back({"checkpoint_seconds", checkpoint.created_unix_ms / 1000,
                      "Time of the newest checkpoint, in seconds since 1970; 0 without one."});
  figures->push_back({"checkpoint_bytes", checkpoint.bytes, "Size of the newest checkpoint."});
  figures->push_back({"checkpoint_bytes_max", checkpoint.bytes_max, "Size that a checkpoint may have."});
  figures->push_back({"checkpoint_failing", checkpoint.error.empty() ? 0u : 1u,
                      "1 if the newest attempt to write a checkpoint failed; info shows the error."});
}

}  // namespace

Figures SizesOf(const EngineInfo& info, const std::vector<LogSegmentRow>& segments) {
  uint64_t snapshot_bytes = 0;
  for (const SnapshotRow& row : info.snapshots) snapshot_bytes += row.bytes;
  const SlotUse& slots = info.slots;
  const auto bytes = [&info](uint64_t count) { return count * info.slot_bytes; };
  Figures figures = {
      {"version", info.version.value(), "The newest version."},
      {"durable_version", info.durable_version.value(), "The newest version that is known to be durable."},
      {"capacity_bytes", info.capacity_bytes, "Size of the device."},
      {"live_bytes", bytes(slots.live), "Slots that the keys of the newest version use."},
      {"pinned_bytes", bytes(slots.pinned), "Freed slots that a retained version still needs."},
      {"reclaimable_bytes", bytes(slots.reclaimable),
       "Freed slots that nothing needs; commits may use them."},
      {"reserved_bytes", bytes(slots.reserved), "Slots of commits that are under way."},
      {"free_bytes", bytes(slots.free), kFreeHelp},
      {"available_bytes", bytes(slots.available), kAvailableHelp},
      {"snapshots", info.snapshots.size(), "Number of snapshots."},
      {"snapshot_bytes", snapshot_bytes, "Size of all snapshots; files that they share count once for each."},
      {"log_segments", segments.size(), "Number of segments of the changelog."},
      {"log_bytes", LogBytes(segments), "Size of the changelog."},
      {"given_up_versions", info.given_up ? info.given_up->versions : 0,
       "Versions given up for space since the last acknowledgement."},
      {"healthy", info.health == "ok" ? 1u : 0u,
       "1, or 0 if the process that has the store open has failed; info shows the error."}};
  AddCheckpoint(info, &figures);
  return figures;
}

OrderedJson FiguresJson(const Figures& figures) {
  OrderedJson object;
  for (const Figure& figure : figures) object[std::string(figure.name)] = figure.value;
  return object;
}

Figures CacheFiguresOf(const ObjectCacheStats& stats) {
  Figures figures;
  for (const CacheFigure& figure : kCacheFigures) {
    figures.push_back({figure.name, stats.*figure.value, figure.help});
  }
  return figures;
}

OrderedJson CacheReportJson(const CacheReport& report) {
  OrderedJson pins = OrderedJson::array();
  for (const ObjectPin& pin : report.pins) {
    OrderedJson row;
    SetKey(row, "key", pin.key);
    SetKey(row, "owner", pin.owner);
    row["count"] = pin.count;
    pins.push_back(std::move(row));
  }
  return {{"stats", FiguresJson(CacheFiguresOf(report.stats))},
          {"usage", {{"objects", report.usage.objects}, {"bytes", report.usage.bytes}}},
          {"pins", std::move(pins)}};
}

std::string CacheMetricsText(const ObjectCacheStats& stats, const std::string& store_uuid) {
  std::string text;
  for (const CacheFigure& figure : kCacheFigures) {
    const MetricForm form = figure.counter
                                ? MetricForm{.prefix = "cache_", .suffix = "_total", .type = "counter"}
                                : MetricForm{.prefix = "cache_"};
    text += MetricText({figure.name, stats.*figure.value, figure.help}, form, store_uuid);
  }
  return text;
}

std::string PrometheusText(const EngineInfo& info, const std::vector<LogSegmentRow>& segments,
                           const EngineStats* own) {
  std::string text;
  const std::string store_uuid = info.store_uuid.ToString();
  const auto add = [&](const Figures& figures, const MetricForm& form) {
    for (const Figure& figure : figures) text += MetricText(figure, form, store_uuid);
  };
  add(SizesOf(info, segments), {});
  add(own != nullptr ? OwnFiguresOf(info) : WriterFiguresOf(info), {});
  const EngineStats* stats = own;
  if (stats == nullptr && info.writer && info.writer->status) stats = &info.writer->status->stats;
  if (stats == nullptr) return text;
  add({ReplayRateOf(*stats)}, {.prefix = "writer_"});
  add(CountersOf(*stats), {.prefix = "writer_", .suffix = "_total", .type = "counter"});
  return text;
}

}  // namespace rawkv
