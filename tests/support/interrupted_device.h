#pragma once

#include <string>

#include "blockdev/open_block_device.h"

namespace rawkv {

// OpenBlockDevice over a ring that hesitates to take calls and to wait, and whose completions tell of less
// than was asked, or of nothing, as InterruptionFor decides.
Result<OpenedDevice> OpenInterruptedDevice(const std::string& path, const DeviceOpenOptions& options);

}  // namespace rawkv
