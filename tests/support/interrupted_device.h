#pragma once

#include <string>

#include "blockdev/open_block_device.h"

namespace rawkv {

// OpenBlockDevice with a ring whose submit and wait calls fail temporarily, and whose completions report
// fewer bytes or an error, as InterruptionFor decides.
Result<OpenedDevice> OpenInterruptedDevice(const std::string& path, const DeviceOpenOptions& options);

}  // namespace rawkv
