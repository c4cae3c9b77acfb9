#pragma once

#include <string>

#include "engine/api/info.h"

namespace rawkv::ctl {

// The output of `info` as text.
std::string InfoText(const EngineInfo& info);

}  // namespace rawkv::ctl
