#pragma once

#include <string>

#include "engine/api/info.h"

namespace rawkv::ctl {

// The output of `info`. docs/cli.md lists the fields.
std::string InfoJson(const EngineInfo& info);
std::string InfoText(const EngineInfo& info);

}  // namespace rawkv::ctl
