#include <fmt/format.h>

#include <algorithm>

#include "engine/admin/inspect.h"
#include "report/info_json.h"
#include "tools/cli/text_format.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/setting_flags.h"
#include "tools/ctl/store_access.h"
#include "tools/ctl/upkeep.h"

namespace rawkv::ctl {
namespace {

Result<SettingsChange> ParseSettings(const std::vector<std::string>& arguments) {
  const std::vector<std::string_view>& names = SettingNames();
  std::vector<std::pair<std::string, std::string>> given;
  for (const std::string& argument : arguments) {
    const size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    if (equals == std::string::npos || std::find(names.begin(), names.end(), name) == names.end()) {
      return Status::InvalidArgument(fmt::format("'{}' is not SETTING=VALUE with one of the settings {}",
                                                 OneLine(argument), fmt::join(names, ", ")));
    }
    given.emplace_back(name, argument.substr(equals + 1));
  }
  RAWKV_ASSIGN_OR_RETURN(const Flags flags, ReadFlags(given));
  return flags.settings;
}

}  // namespace

Result<ExitStatus> RunSet(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(const SettingsChange change, ParseSettings(call.arguments));
  RAWKV_ASSIGN_OR_RETURN(Upkeep store, Upkeep::Open(call));
  RAWKV_ASSIGN_OR_RETURN(const RuntimeSettings settings, store.ChangeSettings(change));
  RAWKV_RETURN_IF_ERROR(store.Close());
  RAWKV_RETURN_IF_ERROR(call.flags.json ? call.out.Line(JsonText(AllSettingsJson(settings)))
                                        : call.out.Write(SettingsText(settings)));
  return ExitStatus::kDone;
}

Result<ExitStatus> RunAcknowledge(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(const std::string dir, StoreDirOf(call.flags));
  RAWKV_ASSIGN_OR_RETURN(Upkeep store, Upkeep::Open(call));
  RAWKV_ASSIGN_OR_RETURN(const EngineInfo info, InspectStore(dir, OpenOptionsOf(call)));
  RAWKV_RETURN_IF_ERROR(store.AcknowledgeGivenUp());
  RAWKV_RETURN_IF_ERROR(store.Close());
  const uint64_t versions = info.given_up ? info.given_up->versions : 0;
  RAWKV_RETURN_IF_ERROR(call.flags.json ? call.out.Line(JsonText({{"versions", versions}}))
                                        : call.out.Write(fmt::format("{}\n", versions)));
  return ExitStatus::kDone;
}

}  // namespace rawkv::ctl
