#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tools/cli/json_text.h"
#include "tools/cli/text_format.h"
#include "tools/cli/time_text.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/report_rows.h"
#include "tools/ctl/store_access.h"

namespace rawkv::ctl {
namespace {

// Each setting has a flag of the same name, whose values it takes.
constexpr std::array<std::string_view, 6> kSettings = {"durability", "snapshot_interval", "keep_recent",
                                                       "keep_for",   "wal_segment_bytes", "undo_versions"};

Result<SettingsChange> ParseSettings(const std::vector<std::string>& arguments) {
  std::vector<std::pair<std::string, std::string>> given;
  for (const std::string& argument : arguments) {
    const size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    if (equals == std::string::npos ||
        std::find(kSettings.begin(), kSettings.end(), name) == kSettings.end()) {
      return Status::InvalidArgument(fmt::format("'{}' is not SETTING=VALUE with one of the settings {}",
                                                 OneLine(argument), fmt::join(kSettings, ", ")));
    }
    given.emplace_back(name, argument.substr(equals + 1));
  }
  RAWKV_ASSIGN_OR_RETURN(const Flags flags, ReadFlags(given));
  return SettingsChange{.durability = flags.durability,
                        .snapshot_interval = flags.snapshot_interval,
                        .keep_recent = flags.keep_recent,
                        .keep_for_seconds = flags.keep_for,
                        .wal_segment_bytes = flags.wal_segment_bytes,
                        .undo_versions = flags.undo_versions};
}

std::string SettingsText(const RuntimeSettings& settings) {
  return fmt::format(
      "durability={}\nsnapshot_interval={}\nkeep_recent={}\nkeep_for={}\nwal_segment_bytes={}\nundo_versions="
      "{}\n",
      DurabilityName(settings.durability), settings.snapshot_interval, settings.keep_recent,
      DurationText(settings.keep_for_seconds), settings.wal_segment_bytes, settings.undo_versions);
}

}  // namespace

Result<ExitStatus> RunSet(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(const SettingsChange change, ParseSettings(call.arguments));
  RAWKV_ASSIGN_OR_RETURN(const auto engine, OpenStore(call));
  RAWKV_ASSIGN_OR_RETURN(const RuntimeSettings settings, engine->ChangeSettings(change));
  RAWKV_RETURN_IF_ERROR(engine.Close());
  OrderedJson json{{"durability", DurabilityName(settings.durability)}};
  json.update(SettingsJson(settings));
  RAWKV_RETURN_IF_ERROR(call.flags.json ? call.out.Line(JsonText(json))
                                        : call.out.Write(SettingsText(settings)));
  return ExitStatus::kDone;
}

}  // namespace rawkv::ctl
