#include "tools/ctl/setting_flags.h"

#include <fmt/format.h>
#include <gflags/gflags.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "report/info_json.h"
#include "tools/cli/time_text.h"

namespace rawkv::ctl {
namespace {

constexpr size_t kSettingCount = std::tuple_size_v<decltype(kSettings)>;

// The value of a flag, and the texts that gflags refers to for the life of the process.
struct TextFlag {
  std::string name, help, value, fallback;
};

// Registers a flag for each setting, as DEFINE_string does.
std::array<TextFlag, kSettingCount>& TextFlags() {
  static std::array<TextFlag, kSettingCount> flags;
  static const bool registered = [] {
    size_t at = 0;
    ForEachSetting([&](const auto& setting) {
      TextFlag& flag = flags[at++];
      flag.name = fmt::format("ctl_{}", setting.name);
      flag.help = fmt::format("{}: {}", setting.argument, setting.help);
      const gflags::FlagRegisterer registerer(flag.name.c_str(), flag.help.c_str(), __FILE__, &flag.value,
                                              &flag.fallback);
    });
    return true;
  }();
  (void)registered;
  return flags;
}

[[maybe_unused]] const auto& registered_at_start = TextFlags();

Result<uint64_t> ParseNumber(const std::string& text) {
  uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec == std::errc() && parsed.ptr == end) return number;
  return Status::InvalidArgument(fmt::format("'{}' is not a number (0 or more)", text));
}

Result<std::optional<uint64_t>> ParseSetting(const Setting<uint64_t>& setting, const std::string& text) {
  Result<uint64_t> value = ParseNumber(text);
  if (setting.unit == SettingUnit::kSeconds) value = ParseDuration(text);
  if (setting.unit == SettingUnit::kBytes) return BytesValue(text);
  RAWKV_RETURN_IF_ERROR(value.status());
  return std::optional(*value);
}

Result<std::optional<Durability>> ParseSetting(const Setting<Durability>&, const std::string& text) {
  if (text == "synced") return std::optional(Durability::kSynced);
  if (text == "unsafe_unsynced") return std::optional(Durability::kUnsafeUnsynced);
  return Status::InvalidArgument(fmt::format("'{}' is not synced or unsafe_unsynced", text));
}

Result<std::optional<KeepTiers>> ParseSetting(const Setting<KeepTiers>&, const std::string& text) {
  KeepTiers tiers;
  if (text == "0") return std::optional(tiers);
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(',', at), text.size());
    const std::string tier = text.substr(at, end - at);
    const size_t slash = tier.find('/');
    if (slash == std::string::npos) {
      return Status::InvalidArgument(fmt::format("'{}' is not EVERY/FOR, as 1h/1d", tier));
    }
    RAWKV_ASSIGN_OR_RETURN(const uint64_t every_seconds, ParseDuration(tier.substr(0, slash)));
    RAWKV_ASSIGN_OR_RETURN(const uint64_t for_seconds, ParseDuration(tier.substr(slash + 1)));
    tiers.push_back({every_seconds, for_seconds});
    at = end + 1;
  }
  return std::optional(std::move(tiers));
}

std::string ValueText(const Setting<KeepTiers>&, const KeepTiers& value) {
  return KeepTiersText(value);
}

std::string ValueText(const Setting<uint64_t>& setting, uint64_t value) {
  return setting.unit == SettingUnit::kSeconds ? DurationText(value) : fmt::format("{}", value);
}

std::string ValueText(const Setting<Durability>&, Durability value) {
  return std::string(DurabilityName(value));
}

}  // namespace

const std::vector<std::string_view>& SettingNames() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all;
    ForEachSetting([&](const auto& setting) { all.push_back(setting.name); });
    return all;
  }();
  return names;
}

std::string SettingsHelp() {
  std::string text;
  ForEachSetting([&](const auto& setting) {
    text += fmt::format("  {:<24}  {}\n", fmt::format("{}={}", setting.name, setting.argument), setting.help);
  });
  return text;
}

Result<SettingsChange> ReadSettingFlags(const FlagSet& flags) {
  SettingsChange change;
  Status status;
  size_t at = 0;
  ForEachSetting([&](const auto& setting) {
    const auto parse = [&setting](const std::string& text) { return ParseSetting(setting, text); };
    const TextFlag& flag = TextFlags()[at++];
    if (status.ok()) status = flags.Read(setting.name, parse, flag.value, &(change.*setting.change));
  });
  if (!status.ok()) return status;
  return change;
}

std::string KeepTiersText(const KeepTiers& tiers) {
  std::string text;
  for (const KeepTier& tier : tiers) {
    text += fmt::format("{}{}/{}", text.empty() ? "" : ",", DurationText(tier.every_seconds),
                        DurationText(tier.for_seconds));
  }
  return text.empty() ? "0" : text;
}

std::string SettingsText(const RuntimeSettings& settings) {
  std::string text;
  ForEachSetting([&](const auto& setting) {
    text += fmt::format("{}={}\n", setting.name, ValueText(setting, settings.*setting.value));
  });
  return text;
}

}  // namespace rawkv::ctl
