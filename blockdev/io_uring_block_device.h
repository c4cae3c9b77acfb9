#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "blockdev/fd_block_device.h"
#include "blockdev/io_ring.h"
#include "blockdev/reaped_ring.h"
#include "blockdev/ring_pool.h"

namespace rawkv {

// The `io_uring` engine: a batch keeps up to `queue_depth` transfers in flight. A batch of one request uses a
// plain system call: at depth 1 a ring has no benefit, and single reads of many threads then need no rings.
class IoUringBlockDevice : public FdBlockDevice {
 public:
  struct Rings {
    RingFactory make;
    uint32_t queue_depth = 64;
  };

  // kNotSupported with the cause if no ring can be made; `fd` is then unchanged.
  static Result<std::unique_ptr<BlockDevice>> Make(std::string path, Geometry geometry, UniqueFd& fd,
                                                   std::shared_ptr<RawIo> raw, Rings rings);
  Result<std::unique_ptr<IoQueue>> OpenQueue() override;
  std::unique_ptr<ReapedRing> OpenRing() override;

 protected:
  // `first` is a ring that rings.make has made for `fd`.
  IoUringBlockDevice(std::string path, Geometry geometry, UniqueFd fd, std::shared_ptr<RawIo> raw,
                     Rings rings, std::unique_ptr<IoRing> first);
  void DoSubmit(std::span<IoRequest> batch, const OnDone& on_done) override;

 private:
  ReapedRing::Options ReapedOptions();

  const uint32_t queue_depth_;
  const RingFactory make_ring_;
  RingPool rings_;
};

}  // namespace rawkv
