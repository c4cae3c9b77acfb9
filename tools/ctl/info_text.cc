#include "tools/ctl/info_text.h"

#include <fmt/format.h>

#include "tools/cli/byte_size.h"
#include "tools/cli/json_text.h"
#include "tools/cli/text_format.h"
#include "tools/ctl/report_rows.h"

namespace rawkv::ctl {
namespace {

std::string_view DurabilityName(Durability durability) {
  return durability == Durability::kSynced ? "synced" : "unsafe_unsynced";
}

std::string DeviceJson(const EngineInfo& info) {
  return JsonObject()
      .Text("path", info.device_path)
      .Text("kind", info.device_kind)
      .Number("capacity_bytes", info.capacity_bytes)
      .Number("slot_bytes", info.slot_bytes)
      .Number("header_bytes", info.header_bytes)
      .text();
}

std::string SlotsJson(const SlotUse& slots) {
  return JsonObject()
      .Number("at_version", slots.at_version.value())
      .Number("total", slots.total)
      .Number("live", slots.live)
      .Number("pinned", slots.pinned)
      .Number("reclaimable", slots.reclaimable)
      .Number("reserved", slots.reserved)
      .Number("free", slots.free)
      .text();
}

std::string PinnedByJson(const EngineInfo& info) {
  JsonArray holders;
  for (const PinnedBy& holder : info.pinned_by) {
    holders.Raw(JsonObject()
                    .Text("kind", holder.kind)
                    .Text("name", holder.name)
                    .Number("version", holder.version.value())
                    .Number("slots", holder.slots)
                    .text());
  }
  return holders.text();
}

std::string EngineJson(const EngineInfo& info) {
  return JsonObject()
      .Text("requested", info.engine_requested)
      .Text("used", info.engine_used)
      .Text("reason", info.engine_reason)
      .text();
}

std::string WriterJson(const EngineInfo& info) {
  if (!info.writer.has_value()) return "null";
  return JsonObject().Signed("pid", info.writer->pid).Text("host", info.writer->host).text();
}

std::string RecoveryJson(const EngineInfo& info) {
  if (!info.recovery.has_value()) return "null";
  return JsonObject()
      .Number("cut_after", info.recovery->cut_after.value())
      .Number("bytes", info.recovery->bytes)
      .Number("unix_ms", info.recovery->unix_ms)
      .text();
}

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
  lines.Add("device",
            fmt::format("{} ({}, {})", info.device_path, info.device_kind, HumanBytes(info.capacity_bytes)));
  lines.Add("", info.device_uuid.ToString());
  lines.Add("layout", fmt::format("slots of {}, headers of {}, values up to {} in the index",
                                  HumanBytes(info.slot_bytes), HumanBytes(info.header_bytes),
                                  HumanBytes(info.inline_bytes)));
  lines.Add("formats", fmt::format("store {}, wal {}, device {}, snapshot {}", info.formats.store,
                                   info.formats.wal, info.formats.device, info.formats.snapshot));
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
    lines.Add(i == 0 ? "snapshots" : "",
              fmt::format("{} ({}, {}{})", row.version.value(), UtcTime(row.created_unix_ms),
                          HumanBytes(row.bytes), pins));
  }
}

void AddSpace(const EngineInfo& info, Lines& lines) {
  const SlotUse& slots = info.slots;
  lines.Add("slots",
            fmt::format("{} of {} free at version {}", slots.free, slots.total, slots.at_version.value()));
  lines.Add("", fmt::format("{} live, {} pinned, {} reclaimable, {} reserved", slots.live, slots.pinned,
                            slots.reclaimable, slots.reserved));
  for (const PinnedBy& holder : info.pinned_by) {
    lines.Add("", fmt::format("{} pinned by {} {} (version {}) alone", holder.slots, holder.kind, holder.name,
                              holder.version.value()));
  }
  if (info.pinned_shared > 0)
    lines.Add("", fmt::format("{} pinned by more than one of them", info.pinned_shared));
}

}  // namespace

std::string InfoJson(const EngineInfo& info) {
  JsonArray snapshots;
  for (const SnapshotRow& row : info.snapshots) snapshots.Raw(SnapshotJson(row));
  return JsonObject()
      .Text("store_uuid", info.store_uuid.ToString())
      .Text("device_uuid", info.device_uuid.ToString())
      .Raw("device", DeviceJson(info))
      .Number("inline_bytes", info.inline_bytes)
      .Raw("formats", FormatsJson(info.formats))
      .Number("initial_version", info.initial_version.value())
      .Number("version", info.version.value())
      .Number("durable_version", info.durable_version.value())
      .Text("lineage", ToHex(info.lineage.value()))
      .Raw("reachable", RangesJson(info.reachable))
      .Raw("current", info.current.has_value() ? ToString(*info.current) : "null")
      .Raw("snapshots", snapshots.text())
      .Raw("slots", SlotsJson(info.slots))
      .Raw("pinned_by", PinnedByJson(info))
      .Number("pinned_shared", info.pinned_shared)
      .Raw("engine", EngineJson(info))
      .Text("durability", DurabilityName(info.durability))
      .Text("health", info.health)
      .Raw("writer", WriterJson(info))
      .Bool("read_only_media", info.read_only_media)
      .Raw("recovery", RecoveryJson(info))
      .Raw("aside", JsonTexts(info.aside))
      .text();
}

std::string InfoText(const EngineInfo& info) {
  Lines lines;
  AddIdentity(info, lines);
  AddVersions(info, lines);
  AddSpace(info, lines);
  const std::string why = info.engine_reason.empty() ? "" : fmt::format(" ({})", info.engine_reason);
  lines.Add("engine", fmt::format("{}, requested {}{}", info.engine_used.empty() ? "none" : info.engine_used,
                                  info.engine_requested, why));
  lines.Add("durability", DurabilityName(info.durability));
  lines.Add("health", info.health);
  if (info.writer.has_value()) {
    lines.Add("writer",
              fmt::format("process {} on {} has the store open", info.writer->pid, info.writer->host));
  }
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
