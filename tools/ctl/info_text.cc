#include "tools/ctl/info_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/info_json.h"
#include "tools/cli/byte_size.h"
#include "tools/cli/text_format.h"
#include "tools/cli/time_text.h"
#include "tools/ctl/report_rows.h"
#include "tools/ctl/setting_flags.h"

namespace rawkv::ctl {
namespace {

// Lines with a label and a value in columns. The second and later lines of a label have an empty label.
class Lines {
 public:
  void Add(std::string_view label, std::string_view value) {
    text_ += fmt::format("{:<12} {}\n", label, OneLine(value));
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

void AddIdentity(const EngineInfo& info, Lines& lines) {
  lines.Add("store", info.store_uuid.ToString());
  lines.Add("device", info.device_kind.empty()
                          ? fmt::format("{} (not opened)", info.device_path)
                          : fmt::format("{} ({}, {})", info.device_path, info.device_kind,
                                        HumanBytes(info.capacity_bytes)));
  lines.Add("", info.device_uuid.ToString());
  lines.Add("layout", fmt::format("slots of {}, headers of {}, values up to {} in the index",
                                  HumanBytes(info.slot_bytes), HumanBytes(info.header_bytes),
                                  HumanBytes(info.inline_bytes)));
  lines.Add("formats", fmt::format("store {}, wal {}, device {}, snapshot {}", info.formats.store,
                                   info.formats.wal, info.formats.device, info.formats.snapshot));
}

bool IsIn(const VersionRanges& ranges, Version version) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const auto& range) { return range.first <= version && version <= range.second; });
}

void AddVersions(const EngineInfo& info, Lines& lines) {
  lines.Add("version", fmt::format("{} (durable {}, initial {})", info.version.value(),
                                   info.durable_version.value(), info.initial_version.value()));
  lines.Add("lineage", ToHex(info.lineage.value()));
  std::string ranges;
  for (const auto& [first, last] : info.reachable) {
    if (!ranges.empty()) ranges += ", ";
    ranges += RangeText(first, last);
  }
  lines.Add("reachable", ranges.empty() ? "none" : ranges);
  lines.Add("current", info.current.has_value() ? "snapshot " + ToString(*info.current) : "none");
  for (size_t i = 0; i < info.snapshots.size(); ++i) {
    const SnapshotRow& row = info.snapshots[i];
    const std::string pins = row.pins.empty() ? "" : fmt::format(", pinned: {}", fmt::join(row.pins, ", "));
    const bool readable = info.reachable.empty() || IsIn(info.reachable, row.version);
    lines.Add(i == 0 ? "snapshots" : "",
              fmt::format("{} ({}, {}{}{}{})", row.version.value(), UtcTime(row.created_unix_ms),
                          HumanBytes(row.bytes), row.by_log_bytes ? ", by log bytes" : "", pins,
                          readable ? "" : ", not pinned and not reachable"));
  }
}

std::string RetentionText(const RuntimeSettings& settings) {
  const std::string every = settings.snapshot_interval == 0
                                ? "no automatic snapshots"
                                : fmt::format("a snapshot every {} versions", settings.snapshot_interval);
  const std::string age = settings.keep_for_seconds == 0
                              ? ""
                              : ", and all versions of the last " + DurationText(settings.keep_for_seconds);
  return fmt::format("{}; the newest and {} more of them{}", every, settings.keep_recent, age);
}

// The settings that bound history by bytes, and single snapshots beyond it.
void AddBounds(const RuntimeSettings& settings, Lines& lines) {
  if (!settings.keep_tiers.empty()) {
    lines.Add("", fmt::format("one snapshot a period for a time: {}", KeepTiersText(settings.keep_tiers)));
  }
  if (settings.snapshot_interval != 0 && settings.snapshot_log_bytes != 0) {
    lines.Add("", fmt::format("a snapshot also after {} of log", HumanBytes(settings.snapshot_log_bytes)));
  }
  if (settings.history_bytes_max != 0) {
    lines.Add("", fmt::format("history of at most {}", HumanBytes(settings.history_bytes_max)));
  }
}

void AddGivenUp(const EngineInfo& info, Lines& lines) {
  if (!info.given_up.has_value()) return;
  const GivenUp& lost = *info.given_up;
  lines.Add(
      "given up",
      fmt::format("{} within {}, until {}: {}; `rawkv-ctl acknowledge` ends this message",
                  Counted(lost.versions, "version"), RangeText(lost.first, lost.last), UtcTime(lost.unix_ms),
                  lost.cause == GivenUpCause::kNoSlots ? "a commit found no free slot"
                                                       : "history took more than history_bytes_max"));
}

void AddSpace(const EngineInfo& info, Lines& lines) {
  const SlotUse& slots = info.slots;
  if (slots.total == 0) return lines.Add("slots", "not known");
  lines.Add("slots",
            fmt::format("{} of {} free at version {}", slots.free, slots.total, slots.at_version.value()));
  lines.Add("", fmt::format("{} live, {} pinned, {} reclaimable, {} reserved", slots.live, slots.pinned,
                            slots.reclaimable, slots.reserved));
  if (slots.available > slots.free) {
    lines.Add("", fmt::format("{} available to commits: the engine gives up old versions if it must",
                              slots.available));
  }
  for (const PinnedBy& holder : info.pinned_by) {
    const std::string files = holder.log_bytes + holder.table_bytes == 0
                                  ? ""
                                  : fmt::format(", {} of log and {} of tables", HumanBytes(holder.log_bytes),
                                                HumanBytes(holder.table_bytes));
    lines.Add("", fmt::format("{}{} pinned by {} {} (version {}) alone", holder.slots, files, holder.kind,
                              holder.name, holder.version.value()));
  }
  if (info.pinned_shared > 0)
    lines.Add("", fmt::format("{} pinned by more than one of them", info.pinned_shared));
}

void AddStatus(const std::optional<WriterStatus>& status, Lines& lines) {
  if (!status.has_value()) return;
  lines.Add("", fmt::format("{} since {}, at version {} (durable {}) with {} of {} slots free ({} available "
                            "to commits) at {}",
                            status->state, UtcTime(status->opened_unix_ms), status->version.value(),
                            status->durable_version.value(), status->slots_free, status->slots_total,
                            status->slots_available, UtcTime(status->unix_ms)));
  for (const WriterActivity& activity : status->activities) {
    const std::string of = activity.total == 0 ? "" : fmt::format(" of {}", activity.total);
    lines.Add("", activity.done == 0 ? activity.what + " under way"
                                     : fmt::format("{} under way: {}{}", activity.what, activity.done, of));
  }
}

void AddCheckpoint(const EngineInfo& info, Lines& lines) {
  if (!info.checkpoint.has_value()) return;
  const CheckpointInfo& checkpoint = *info.checkpoint;
  lines.Add("checkpoint", checkpoint.version.has_value()
                              ? fmt::format("of version {}, {} with {} of at most {}",
                                            checkpoint.version->value(), UtcTime(checkpoint.created_unix_ms),
                                            HumanBytes(checkpoint.bytes), HumanBytes(checkpoint.bytes_max))
                              : "none on the device, so the store's directory cannot be rebuilt");
  if (!checkpoint.error.empty()) lines.Add("", "the newest attempt failed: " + OneLine(checkpoint.error));
}

}  // namespace

std::string InfoText(const EngineInfo& info) {
  Lines lines;
  AddIdentity(info, lines);
  AddVersions(info, lines);
  AddSpace(info, lines);
  const std::string why = info.engine_reason.empty() ? "" : fmt::format(" ({})", info.engine_reason);
  lines.Add("engine", fmt::format("{}, requested {}{}", info.engine_used.empty() ? "none" : info.engine_used,
                                  info.engine_requested, why));
  lines.Add("durability", DurabilityName(info.settings.durability));
  lines.Add("keeps", RetentionText(info.settings));
  AddBounds(info.settings, lines);
  AddGivenUp(info, lines);
  lines.Add("undo", fmt::format("records for the newest {} versions", info.settings.undo_versions));
  lines.Add("health", info.health);
  if (info.writer.has_value()) {
    lines.Add("writer",
              fmt::format("process {} on {} has the store open", info.writer->pid, info.writer->host));
    AddStatus(info.writer->status, lines);
  }
  AddCheckpoint(info, lines);
  if (info.read_only_media) lines.Add("media", "read-only: the store can be inspected, but not opened");
  if (info.recovery.has_value()) {
    lines.Add("recovery", fmt::format("{} of torn tail cut from the log after version {} at {}",
                                      HumanBytes(info.recovery->bytes), info.recovery->cut_after.value(),
                                      UtcTime(info.recovery->unix_ms)));
  }
  for (const std::string& name : info.aside) {
    lines.Add("aside", OneLine(name) + " is damaged and unused; `rawkv-ctl fsck` has details");
  }
  return lines.text();
}

}  // namespace rawkv::ctl
