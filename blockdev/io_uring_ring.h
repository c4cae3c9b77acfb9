#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "blockdev/io_ring.h"

namespace rawkv {

// Makes an io_uring of `entries` (1 … 1024) for transfers on `fd`, which the caller keeps open. kNotSupported
// with the cause if the kernel lacks or forbids io_uring; there is no other probe.
Result<std::unique_ptr<IoRing>> MakeIoUringRing(int fd, uint32_t entries);

}  // namespace rawkv
