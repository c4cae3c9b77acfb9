#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "blockdev/fd_block_device.h"
#include "blockdev/io_ring.h"
#include "blockdev/ring_pool.h"

namespace rawkv {

// The `io_uring` engine: a batch keeps up to `queue_depth` transfers in flight. A batch of one goes by
// a plain system call: at depth 1 the ring only costs, and single reads of many threads need no rings.
class IoUringBlockDevice final : public FdBlockDevice {
 public:
  struct Rings {
    RingFactory make;
    uint32_t queue_depth = 64;
  };

  // kNotSupported, with the cause, if no ring can be made; then `fd` is handed back untouched.
  static Result<std::unique_ptr<BlockDevice>> Make(std::string path, Geometry geometry, UniqueFd& fd,
                                                   std::shared_ptr<RawIo> raw, Rings rings);

 private:
  IoUringBlockDevice(std::string path, Geometry geometry, UniqueFd fd, std::shared_ptr<RawIo> raw,
                     Rings rings, std::unique_ptr<IoRing> first);
  void DoSubmit(std::span<IoRequest> batch, const OnDone& on_done) override;

  const uint32_t queue_depth_;
  RingPool rings_;
};

}  // namespace rawkv
