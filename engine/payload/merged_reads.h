#pragma once

#include <span>

#include "blockdev/block_device.h"

namespace rawkv {

// Reads `parts`: sets the status of each, and then calls `on_done` with its index. Parts that follow each
// other on the device and in memory share a transfer. If such a transfer fails, its parts are read one by
// one, so that each has the error of its own blocks. `on_done` must not throw and must not submit.
void ReadMerged(BlockDevice& device, std::span<IoRequest> parts, const BlockDevice::OnDone& on_done);

}  // namespace rawkv
