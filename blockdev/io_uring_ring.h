#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "blockdev/io_ring.h"

namespace rawkv {

// An io_uring of `entries` (1 … 1024) for transfers on `fd`, which the caller keeps open. Making one
// is the probe: kNotSupported with the cause if the kernel lacks it or forbids it.
Result<std::unique_ptr<IoRing>> MakeIoUringRing(int fd, uint32_t entries);

}  // namespace rawkv
