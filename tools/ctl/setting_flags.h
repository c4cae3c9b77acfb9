#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/api/settings.h"
#include "tools/cli/flag_set.h"

// Each setting of a store (engine/api/settings.h) is a flag of the same name, and a line SETTING=VALUE.
namespace rawkv::ctl {

const std::vector<std::string_view>& SettingNames();
// A line for each, with its values.
std::string SettingsHelp();

// Reads the flags that were given. kInvalidArgument names the flag and the problem.
Result<SettingsChange> ReadSettingFlags(const FlagSet& flags);

std::string KeepTiersText(const KeepTiers& tiers);  // "1h/1d,1d/30d", "0"
// A line SETTING=VALUE for each; `set` reads the values back.
std::string SettingsText(const RuntimeSettings& settings);

}  // namespace rawkv::ctl
