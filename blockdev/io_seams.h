#pragma once

#include <memory>
#include <string>

#include "blockdev/io_ring.h"
#include "blockdev/io_uring_ring.h"
#include "blockdev/open_block_device.h"
#include "blockdev/raw_io.h"

namespace rawkv {

// What lies below a BlockDevice, so that a test can put faults under a real one. The defaults are the
// system's own.
struct IoSeams {
  std::shared_ptr<RawIo> raw = std::make_shared<RawIo>();
  RingFactory make_ring = MakeIoUringRing;
};

// OpenBlockDevice over the given seams.
Result<OpenedDevice> OpenBlockDevice(const std::string& path, const DeviceOpenOptions& options,
                                     IoSeams seams);

}  // namespace rawkv
