#include "engine/api/settings.h"

#include <string>

namespace rawkv {
namespace {

template <typename T>
Status CheckRange(const Setting<T>& setting, uint64_t value) {
  if (value >= setting.least && value <= setting.most && value % setting.multiple_of == 0)
    return Status::Ok();
  std::string range;
  if (setting.multiple_of != 1) range = "a multiple of " + std::to_string(setting.multiple_of) + " ";
  range += "from " + std::to_string(setting.least) + " to " + std::to_string(setting.most);
  if (setting.unit == SettingUnit::kSeconds) range += " seconds";
  return Status::InvalidArgument(std::string(setting.name) + " must be " + range + ", not " +
                                 std::to_string(value));
}

Status CheckValue(const Setting<uint64_t>& setting, uint64_t value) {
  return CheckRange(setting, value);
}

Status CheckValue(const Setting<Durability>& setting, Durability value) {
  return CheckRange(setting, static_cast<uint64_t>(value));
}

Status CheckValue(const Setting<KeepTiers>& setting, const KeepTiers& tiers) {
  const auto wrong = [&](const char* why) {
    return Status::InvalidArgument(std::string(setting.name) + ": " + why);
  };
  if (tiers.size() > setting.most) return wrong("at most 8 tiers");
  KeepTier last;
  for (const KeepTier& tier : tiers) {
    if (tier.every_seconds == 0 || tier.for_seconds < tier.every_seconds) {
      return wrong("a tier keeps one snapshot for each period, for at least one period");
    }
    if (tier.for_seconds > kMaxKeepForSeconds) return wrong("a tier keeps snapshots for at most 100 years");
    if (tier.every_seconds <= last.every_seconds || tier.for_seconds <= last.for_seconds) {
      return wrong("each tier has a longer period than the one before it, and keeps for a longer time");
    }
    last = tier;
  }
  return Status::Ok();
}

}  // namespace

RuntimeSettings Changed(RuntimeSettings settings, const SettingsChange& change) {
  ForEachSetting([&](const auto& setting) {
    if (const auto& value = change.*setting.change) settings.*setting.value = *value;
  });
  return settings;
}

SettingsChange AtOnce(const SettingsChange& change) {
  SettingsChange now;
  ForEachSetting([&](const auto& setting) {
    if (setting.at_once) now.*setting.change = change.*setting.change;
  });
  return now;
}

Status ValidateSettings(const RuntimeSettings& settings) {
  Status status;
  ForEachSetting([&](const auto& setting) {
    if (status.ok()) status = CheckValue(setting, settings.*setting.value);
  });
  return status;
}

}  // namespace rawkv
