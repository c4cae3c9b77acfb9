#pragma once

#include <memory>
#include <string>

#include "blockdev/io_ring.h"
#include "blockdev/io_uring_ring.h"
#include "blockdev/open_block_device.h"
#include "blockdev/raw_io.h"

namespace rawkv {

// The system calls and the ring that a BlockDevice uses. A test replaces them to inject faults below a real
// device. The defaults use the operating system.
struct IoSeams {
  std::shared_ptr<RawIo> raw = std::make_shared<RawIo>();
  RingFactory make_ring = MakeIoUringRing;
  NvmeCommandRingFactory make_nvme_ring = MakeNvmeCommandRing;
};

// OpenBlockDevice with the given seams.
Result<OpenedDevice> OpenBlockDevice(const std::string& path, const DeviceOpenOptions& options,
                                     IoSeams seams);

}  // namespace rawkv
