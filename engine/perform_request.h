#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "engine/control/control_message.h"
#include "engine/engine.h"

namespace rawkv {

// Runs the operation that another process asks for, with the function of Engine that has its name.
// `serve_program` may be empty.
ControlReply PerformRequest(Engine& engine, const ControlRequest& request,
                            const std::function<Result<std::string>(std::string_view)>& serve_program);

}  // namespace rawkv
