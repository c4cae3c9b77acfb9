#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/api/info.h"
#include "report/json_text.h"

// What a store is and what it keeps, as JSON. docs/cli.md lists the fields.
namespace rawkv {

OrderedJson InfoJson(const EngineInfo& info);
OrderedJson SnapshotJson(const SnapshotRow& row);
OrderedJson FormatsJson(const FormatNumbers& formats);           // {"store":1,"wal":1,…}
OrderedJson RangesJson(const VersionRanges& ranges);             // [[first,last],…]
OrderedJson VersionsJson(const std::vector<Version>& versions);  // [3,5,…]
// [{"name","version"},…]
OrderedJson PinsJson(const std::vector<std::pair<std::string, Version>>& pins);

std::string_view DurabilityName(Durability durability);  // "synced", "unsafe_unsynced"
// The settings other than durability, which documents show next to them.
OrderedJson SettingsJson(const RuntimeSettings& settings);
// All settings, durability first.
OrderedJson AllSettingsJson(const RuntimeSettings& settings);

}  // namespace rawkv
