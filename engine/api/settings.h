#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "base/keep_tier.h"
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

  // An automatic snapshot is made of each version that is a multiple of this; 0: no automatic snapshots.
  Number snapshot_interval = InitialSetting<Number>(uint64_t{10'000});
  // An automatic snapshot is also made once so many log bytes follow the newest snapshot, so that no version
  // is far from one: a replay reads the default in about two seconds. 0: by number only. Without
  // snapshot_interval it counts for nothing.
  Number snapshot_log_bytes = InitialSetting<Number>(uint64_t{32} << 20);
  // Unpinned snapshots to keep besides the newest. Those that snapshot_log_bytes made do not count: they stay
  // as long as the next older snapshot that counts.
  Number keep_recent = InitialSetting<Number>(uint64_t{2});
  // Every version that was the tip within this time stays readable, as long as the device has free slots. 0:
  // only keep_recent counts.
  Number keep_for_seconds = InitialSetting<Number>(uint64_t{0});
  // Single snapshots that stay beyond that, without the versions between them.
  Form<KeepTiers> keep_tiers = InitialSetting<Form<KeepTiers>>(KeepTiers());
  // The most bytes that history may take: the log, the tables that only snapshots hold, and the slots that
  // only older versions hold. Beyond it, the oldest snapshots go, but never a pin nor `current`; 0: no limit.
  Number history_bytes_max = InitialSetting<Number>(uint64_t{0});
  Number wal_segment_bytes = InitialSetting<Number>(uint64_t{64} << 20);
  Form<Durability> durability = InitialSetting<Form<Durability>>(Durability::kSynced);
  // The newest versions that the index can undo (engine/undo), so that a rollback to them costs what they
  // changed. 0: no undo records.
  Number undo_versions = InitialSetting<Number>(uint64_t{128});

  friend bool operator==(const SettingsIn&, const SettingsIn&) = default;
};

using RuntimeSettings = SettingsIn<SettingValue>;
using SettingsChange = SettingsIn<SettingChange>;

enum class SettingUnit : uint8_t { kNumber, kSeconds, kBytes, kWord, kTiers };

// One setting: where it is, how it is written, and which values it may have.
template <typename T>
struct Setting {
  std::string_view name;  // of the flag, and in SETTING=VALUE
  std::string_view json;  // the field in JSON; names the unit
  T RuntimeSettings::*value;
  std::optional<T> SettingsChange::*change;
  SettingUnit unit;
  uint64_t least, most, multiple_of;
  uint32_t stored;  // number in STORE's list of settings, ascending; 0: a field of its own
  bool at_once;     // Engine::ChangeSettings changes the open engine, too; otherwise the next open
  std::string_view argument, help;
};

// In the order in which they are shown.
inline constexpr std::tuple kSettings{
    Setting<Durability>{.name = "durability",
                        .json = "durability",
                        .value = &RuntimeSettings::durability,
                        .change = &SettingsChange::durability,
                        .unit = SettingUnit::kWord,
                        .least = 0,
                        .most = 1,
                        .multiple_of = 1,
                        .stored = 0,
                        .at_once = false,
                        .argument = "synced|unsafe_unsynced",
                        .help = "whether commits wait for the disk (synced)"},
    Setting<uint64_t>{
        .name = "snapshot_interval",
        .json = "snapshot_interval",
        .value = &RuntimeSettings::snapshot_interval,
        .change = &SettingsChange::snapshot_interval,
        .unit = SettingUnit::kNumber,
        .least = 0,
        .most = UINT64_MAX,
        .multiple_of = 1,
        .stored = 0,
        .at_once = true,
        .argument = "N",
        .help = "snapshots of the versions that are multiples of N, 0 = no automatic ones (10000)"},
    Setting<uint64_t>{.name = "snapshot_log_bytes",
                      .json = "snapshot_log_bytes",
                      .value = &RuntimeSettings::snapshot_log_bytes,
                      .change = &SettingsChange::snapshot_log_bytes,
                      .unit = SettingUnit::kBytes,
                      .least = 0,
                      .most = UINT64_MAX,
                      .multiple_of = 1,
                      .stored = 1,
                      .at_once = true,
                      .argument = "BYTES",
                      .help = "an automatic snapshot also after so much log, 0 = by number only (32MiB)"},
    Setting<uint64_t>{.name = "keep_recent",
                      .json = "keep_recent",
                      .value = &RuntimeSettings::keep_recent,
                      .change = &SettingsChange::keep_recent,
                      .unit = SettingUnit::kNumber,
                      .least = 0,
                      .most = kMaxKeepRecent,
                      .multiple_of = 1,
                      .stored = 0,
                      .at_once = true,
                      .argument = "K",
                      .help = "unpinned snapshots kept besides the newest (2)"},
    Setting<uint64_t>{.name = "keep_for",
                      .json = "keep_for_seconds",
                      .value = &RuntimeSettings::keep_for_seconds,
                      .change = &SettingsChange::keep_for_seconds,
                      .unit = SettingUnit::kSeconds,
                      .least = 0,
                      .most = kMaxKeepForSeconds,
                      .multiple_of = 1,
                      .stored = 0,
                      .at_once = true,
                      .argument = "TIME",
                      .help = "keep every version of the last 12h or 7d; 0 = by number only (0)"},
    Setting<KeepTiers>{
        .name = "keep_tiers",
        .json = "keep_tiers",
        .value = &RuntimeSettings::keep_tiers,
        .change = &SettingsChange::keep_tiers,
        .unit = SettingUnit::kTiers,
        .least = 0,
        .most = kMaxKeepTiers,
        .multiple_of = 1,
        .stored = 2,
        .at_once = true,
        .argument = "TIERS",
        .help = "1h/1d,1d/30d keeps a snapshot an hour for a day, one a day for a month; 0 = none (0)"},
    Setting<uint64_t>{.name = "history_bytes_max",
                      .json = "history_bytes_max",
                      .value = &RuntimeSettings::history_bytes_max,
                      .change = &SettingsChange::history_bytes_max,
                      .unit = SettingUnit::kBytes,
                      .least = 0,
                      .most = UINT64_MAX,
                      .multiple_of = 1,
                      .stored = 3,
                      .at_once = true,
                      .argument = "BYTES",
                      .help = "the oldest history goes once it takes more; pins stay; 0 = no limit (0)"},
    Setting<uint64_t>{.name = "wal_segment_bytes",
                      .json = "wal_segment_bytes",
                      .value = &RuntimeSettings::wal_segment_bytes,
                      .change = &SettingsChange::wal_segment_bytes,
                      .unit = SettingUnit::kBytes,
                      .least = kMinSegmentBytes,
                      .most = kMaxSegmentBytes,
                      .multiple_of = 4096,
                      .stored = 0,
                      .at_once = false,
                      .argument = "BYTES",
                      .help = "size of a log segment, 64KiB to 1GiB (64MiB)"},
    Setting<uint64_t>{.name = "undo_versions",
                      .json = "undo_versions",
                      .value = &RuntimeSettings::undo_versions,
                      .change = &SettingsChange::undo_versions,
                      .unit = SettingUnit::kNumber,
                      .least = 0,
                      .most = kMaxUndoVersions,
                      .multiple_of = 1,
                      .stored = 0,
                      .at_once = false,
                      .argument = "N",
                      .help = "newest versions that can be undone quickly, up to 65536 (128)"},
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
