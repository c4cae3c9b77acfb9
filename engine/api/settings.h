#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "base/limits.h"
#include "base/status.h"

namespace rawkv {

enum class Durability : uint8_t {
  // Commit returns when the version is durable.
  kSynced = 0,
  // Commit returns when the version is applied in memory. A power cut may lose the newest versions, each as a
  // whole, but none at or below Engine::durable_version(). Engine::Sync makes all of them durable.
  kUnsafeUnsynced = 1,
};

// The two forms of a setting: its value, and a change, which is absent if the value stays.
template <typename T>
using SettingValue = T;
template <typename T>
using SettingChange = std::optional<T>;

// The default of a setting; a change is absent by default.
template <typename Field, typename T>
constexpr Field InitialSetting(T value) {
  if constexpr (std::is_same_v<Field, T>) return value;
  return Field();
}

// The settings that STORE keeps. A new setting is a field here, and a row of kSettings below.
template <template <typename> class Form>
struct SettingsIn {
  using Number = Form<uint64_t>;

  // Versions between automatic snapshots; 0: none.
  Number snapshot_interval = InitialSetting<Number>(uint64_t{10'000});
  // Unpinned snapshots to keep besides the newest.
  Number keep_recent = InitialSetting<Number>(uint64_t{2});
  // Every version that was the tip within this time stays readable, as long as the device has free slots. 0:
  // only keep_recent counts.
  Number keep_for_seconds = InitialSetting<Number>(uint64_t{0});
  Number wal_segment_bytes = InitialSetting<Number>(uint64_t{64} << 20);
  Form<Durability> durability = InitialSetting<Form<Durability>>(Durability::kSynced);
  // The newest versions that the index can undo (engine/undo), so that a rollback to them costs what they
  // changed. 0: no undo records.
  Number undo_versions = InitialSetting<Number>(uint64_t{128});

  friend bool operator==(const SettingsIn&, const SettingsIn&) = default;
};

using RuntimeSettings = SettingsIn<SettingValue>;
using SettingsChange = SettingsIn<SettingChange>;

enum class SettingUnit : uint8_t { kNumber, kSeconds, kBytes, kWord };

// One setting: where it is, how it is written, and which values it may have.
template <typename T>
struct Setting {
  std::string_view name;  // of the flag, and in SETTING=VALUE
  std::string_view json;  // the field in JSON; names the unit
  T RuntimeSettings::*value;
  std::optional<T> SettingsChange::*change;
  SettingUnit unit;
  uint64_t least, most, multiple_of;
  bool at_once;  // Engine::ChangeSettings changes the open engine, too; otherwise the next open
  std::string_view argument, help;
};

// In the order in which they are shown.
inline constexpr std::tuple kSettings{
    Setting<Durability>{"durability", "durability", &RuntimeSettings::durability, &SettingsChange::durability,
                        SettingUnit::kWord, 0, 1, 1, false, "synced|unsafe_unsynced",
                        "whether commits wait for the disk (synced)"},
    Setting<uint64_t>{"snapshot_interval", "snapshot_interval", &RuntimeSettings::snapshot_interval,
                      &SettingsChange::snapshot_interval, SettingUnit::kNumber, 0, UINT64_MAX, 1, true, "N",
                      "versions between automatic snapshots, 0 = none (10000)"},
    Setting<uint64_t>{"keep_recent", "keep_recent", &RuntimeSettings::keep_recent,
                      &SettingsChange::keep_recent, SettingUnit::kNumber, 0, kMaxKeepRecent, 1, true, "K",
                      "unpinned snapshots kept besides the newest (2)"},
    Setting<uint64_t>{"keep_for", "keep_for_seconds", &RuntimeSettings::keep_for_seconds,
                      &SettingsChange::keep_for_seconds, SettingUnit::kSeconds, 0, kMaxKeepForSeconds, 1,
                      true, "TIME", "keep every version of the last 12h or 7d; 0 = by number only (0)"},
    Setting<uint64_t>{"wal_segment_bytes", "wal_segment_bytes", &RuntimeSettings::wal_segment_bytes,
                      &SettingsChange::wal_segment_bytes, SettingUnit::kBytes, kMinSegmentBytes,
                      kMaxSegmentBytes, 4096, false, "BYTES", "size of a log segment, 64KiB to 1GiB (64MiB)"},
    Setting<uint64_t>{"undo_versions", "undo_versions", &RuntimeSettings::undo_versions,
                      &SettingsChange::undo_versions, SettingUnit::kNumber, 0, kMaxUndoVersions, 1, false,
                      "N", "newest versions that can be undone quickly, up to 65536 (128)"},
};

// Calls `fn` with each Setting.
template <typename Fn>
constexpr void ForEachSetting(const Fn& fn) {
  std::apply([&](const auto&... setting) { (fn(setting), ...); }, kSettings);
}

// The settings with the change made.
RuntimeSettings Changed(RuntimeSettings settings, const SettingsChange& change);
// The part of the change that an open engine obeys.
SettingsChange AtOnce(const SettingsChange& change);
// kInvalidArgument: a setting is out of range; the message names it.
Status ValidateSettings(const RuntimeSettings& settings);

}  // namespace rawkv
