#pragma once

#include <string>

#include "engine/api/info.h"
#include "tools/cli/json_text.h"

namespace rawkv::ctl {

// The output of `info`. docs/cli.md lists the fields.
OrderedJson InfoJson(const EngineInfo& info);
std::string InfoText(const EngineInfo& info);

}  // namespace rawkv::ctl
