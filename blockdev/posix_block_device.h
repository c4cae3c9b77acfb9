#pragma once

#include <memory>
#include <string>

#include "blockdev/fd_block_device.h"

namespace rawkv {

// The `posix` engine: one pread or pwrite at a time on the caller's thread. Only concurrent callers give
// depth.
class PosixBlockDevice final : public FdBlockDevice {
 public:
  PosixBlockDevice(std::string path, Geometry geometry, UniqueFd fd, std::shared_ptr<RawIo> raw);

 private:
  void DoSubmit(std::span<IoRequest> batch, const OnDone& on_done) override;
};

}  // namespace rawkv
