#pragma once

#include "engine/control/control_message.h"
#include "engine/engine.h"

namespace rawkv {

// Runs the operation that another process asks for, with the function of Engine that has its name.
ControlReply PerformRequest(Engine& engine, const ControlRequest& request);

}  // namespace rawkv
