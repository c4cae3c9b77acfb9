#pragma once

#include <string>

#include "engine/api/info.h"

namespace rawkv::ctl {

// What `info` prints: docs/cli.md has the fields.
std::string InfoJson(const EngineInfo& info);
std::string InfoText(const EngineInfo& info);

}  // namespace rawkv::ctl
