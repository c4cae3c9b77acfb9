#include "blockdev/posix_block_device.h"

namespace rawkv {

PosixBlockDevice::PosixBlockDevice(std::string path, Geometry geometry, UniqueFd fd,
                                   std::shared_ptr<RawIo> raw)
    : FdBlockDevice(std::move(path), geometry, std::move(fd), std::move(raw)) {}

void PosixBlockDevice::DoSubmit(std::span<IoRequest> batch, const OnDone& on_done) {
  RunSerially(batch, on_done);
}

}  // namespace rawkv
