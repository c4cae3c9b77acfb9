#pragma once

#include "blockdev/block_device.h"
#include "blockdev/open_block_device.h"
#include "tests/support/sim/sim_disk.h"

namespace rawkv {

// Opens the simulated device of that path. `disk` outlives it.
Result<OpenedDevice> OpenSimDevice(SimDisk& disk, SimDisk::Process process, const std::string& path);

}  // namespace rawkv
