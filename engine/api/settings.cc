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
    if (status.ok()) status = CheckRange(setting, static_cast<uint64_t>(settings.*setting.value));
  });
  return status;
}

}  // namespace rawkv
