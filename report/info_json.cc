#include "report/info_json.h"

#include <optional>
#include <type_traits>

namespace rawkv {
namespace {

OrderedJson DeviceJson(const EngineInfo& info) {
  return OrderedJson{{"path", info.device_path},
                     {"kind", info.device_kind},
                     {"capacity_bytes", info.capacity_bytes},
                     {"slot_bytes", info.slot_bytes},
                     {"header_bytes", info.header_bytes}};
}

OrderedJson SlotsJson(const SlotUse& slots) {
  return OrderedJson{{"at_version", slots.at_version.value()},
                     {"total", slots.total},
                     {"live", slots.live},
                     {"pinned", slots.pinned},
                     {"reclaimable", slots.reclaimable},
                     {"reserved", slots.reserved},
                     {"free", slots.free},
                     {"available", slots.available}};
}

OrderedJson PinnedByJson(const EngineInfo& info) {
  OrderedJson holders = OrderedJson::array();
  for (const PinnedBy& holder : info.pinned_by) {
    holders.push_back(OrderedJson{{"kind", holder.kind},
                                  {"name", holder.name},
                                  {"version", holder.version.value()},
                                  {"slots", holder.slots},
                                  {"log_bytes", holder.log_bytes},
                                  {"table_bytes", holder.table_bytes}});
  }
  return holders;
}

OrderedJson CheckpointJson(const EngineInfo& info) {
  if (!info.checkpoint.has_value()) return nullptr;
  const CheckpointInfo& checkpoint = *info.checkpoint;
  return OrderedJson{{"version", VersionJson(checkpoint.version)},
                     {"created_unix_ms", checkpoint.created_unix_ms},
                     {"records", checkpoint.records},
                     {"bytes", checkpoint.bytes},
                     {"bytes_max", checkpoint.bytes_max},
                     {"error", checkpoint.error}};
}

OrderedJson GivenUpJson(const EngineInfo& info) {
  if (!info.given_up.has_value()) return nullptr;
  return OrderedJson{
      {"first", info.given_up->first.value()},
      {"last", info.given_up->last.value()},
      {"versions", info.given_up->versions},
      {"unix_ms", info.given_up->unix_ms},
      {"cause", info.given_up->cause == GivenUpCause::kNoSlots ? "no free slots" : "history_bytes_max"}};
}

OrderedJson EngineJson(const EngineInfo& info) {
  return OrderedJson{
      {"requested", info.engine_requested}, {"used", info.engine_used}, {"reason", info.engine_reason}};
}

OrderedJson StatusJson(const std::optional<WriterStatus>& status) {
  if (!status.has_value()) return nullptr;
  OrderedJson activities = OrderedJson::array();
  for (const WriterActivity& activity : status->activities) {
    activities.push_back(
        OrderedJson{{"what", activity.what}, {"done", activity.done}, {"total", activity.total}});
  }
  return OrderedJson{{"state", status->state},
                     {"health", status->health},
                     {"version", status->version.value()},
                     {"durable_version", status->durable_version.value()},
                     {"slots_total", status->slots_total},
                     {"slots_free", status->slots_free},
                     {"slots_available", status->slots_available},
                     {"activities", activities},
                     {"opened_unix_ms", status->opened_unix_ms},
                     {"unix_ms", status->unix_ms}};
}

OrderedJson WriterJson(const EngineInfo& info) {
  if (!info.writer.has_value()) return nullptr;
  return OrderedJson{
      {"pid", info.writer->pid}, {"host", info.writer->host}, {"status", StatusJson(info.writer->status)}};
}

OrderedJson RecoveryJson(const EngineInfo& info) {
  if (!info.recovery.has_value()) return nullptr;
  return OrderedJson{{"cut_after", info.recovery->cut_after.value()},
                     {"bytes", info.recovery->bytes},
                     {"unix_ms", info.recovery->unix_ms}};
}

OrderedJson ValueJson(uint64_t value) {
  return value;
}

OrderedJson ValueJson(const KeepTiers& tiers) {
  OrderedJson rows = OrderedJson::array();
  for (const KeepTier& tier : tiers) {
    rows.push_back(OrderedJson{{"every_seconds", tier.every_seconds}, {"for_seconds", tier.for_seconds}});
  }
  return rows;
}

}  // namespace

OrderedJson InfoJson(const EngineInfo& info) {
  OrderedJson snapshots = OrderedJson::array();
  for (const SnapshotRow& row : info.snapshots) snapshots.push_back(SnapshotJson(row));
  return OrderedJson{{"store_uuid", info.store_uuid.ToString()},
                     {"device_uuid", info.device_uuid.ToString()},
                     {"device", DeviceJson(info)},
                     {"inline_bytes", info.inline_bytes},
                     {"formats", FormatsJson(info.formats)},
                     {"initial_version", info.initial_version.value()},
                     {"version", info.version.value()},
                     {"durable_version", info.durable_version.value()},
                     {"lineage", ToHex(info.lineage.value())},
                     {"reachable", RangesJson(info.reachable)},
                     {"current", VersionJson(info.current)},
                     {"snapshots", snapshots},
                     {"slots", SlotsJson(info.slots)},
                     {"pinned_by", PinnedByJson(info)},
                     {"pinned_shared", info.pinned_shared},
                     {"engine", EngineJson(info)},
                     {"durability", DurabilityName(info.settings.durability)},
                     {"settings", SettingsJson(info.settings)},
                     {"health", info.health},
                     {"writer", WriterJson(info)},
                     {"read_only_media", info.read_only_media},
                     {"given_up", GivenUpJson(info)},
                     {"recovery", RecoveryJson(info)},
                     {"checkpoint", CheckpointJson(info)},
                     {"aside", info.aside}};
}

OrderedJson SnapshotJson(const SnapshotRow& row) {
  return OrderedJson{{"version", row.version.value()},
                     {"lineage", ToHex(row.lineage.value())},
                     {"created_unix_ms", row.created_unix_ms},
                     {"files", row.files},
                     {"bytes", row.bytes},
                     {"current", row.current},
                     {"pins", row.pins},
                     {"by_log_bytes", row.by_log_bytes}};
}

OrderedJson FormatsJson(const FormatNumbers& formats) {
  return OrderedJson{{"store", formats.store},
                     {"wal", formats.wal},
                     {"device", formats.device},
                     {"snapshot", formats.snapshot}};
}

OrderedJson RangesJson(const VersionRanges& ranges) {
  OrderedJson out = OrderedJson::array();
  for (const auto& [first, last] : ranges) {
    out.push_back(OrderedJson::array({first.value(), last.value()}));
  }
  return out;
}

OrderedJson VersionsJson(const std::vector<Version>& versions) {
  OrderedJson out = OrderedJson::array();
  for (const Version version : versions) out.push_back(version.value());
  return out;
}

OrderedJson PinsJson(const std::vector<std::pair<std::string, Version>>& pins) {
  OrderedJson out = OrderedJson::array();
  for (const auto& [name, version] : pins) {
    out.push_back(OrderedJson{{"name", name}, {"version", version.value()}});
  }
  return out;
}

std::string_view DurabilityName(Durability durability) {
  return durability == Durability::kSynced ? "synced" : "unsafe_unsynced";
}

OrderedJson SettingsJson(const RuntimeSettings& settings) {
  OrderedJson json;
  ForEachSetting([&](const auto& setting) {
    if constexpr (!std::is_same_v<decltype(setting), const Setting<Durability>&>) {
      json[std::string(setting.json)] = ValueJson(settings.*setting.value);
    }
  });
  return json;
}

OrderedJson AllSettingsJson(const RuntimeSettings& settings) {
  OrderedJson json{{"durability", DurabilityName(settings.durability)}};
  json.update(SettingsJson(settings));
  return json;
}

}  // namespace rawkv
