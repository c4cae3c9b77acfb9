#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "blockdev/io_ring.h"
#include "blockdev/nvme_ring.h"

namespace rawkv {

// Makes an io_uring of `entries` (1 … 1024) for transfers on `fd`, which the caller keeps open. kNotSupported
// with the cause if the kernel lacks or forbids io_uring; there is no other probe.
Result<std::unique_ptr<IoRing>> MakeIoUringRing(int fd, uint32_t entries);

// Makes an io_uring of `entries` (1 … 1024) for NVMe commands on `fd`, an NVMe character device that the
// caller keeps open. kNotSupported with the cause if the kernel is older than 5.19, or forbids io_uring.
Result<std::unique_ptr<NvmeCommandRing>> MakeNvmeCommandRing(int fd, uint32_t entries);

}  // namespace rawkv
