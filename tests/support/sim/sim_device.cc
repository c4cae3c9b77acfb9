#include "tests/support/sim/sim_device.h"

namespace rawkv {
namespace {

class SimDevice final : public BlockDevice {
 public:
  SimDevice(SimDisk& disk, const std::string& path, uint64_t capacity_bytes)
      : BlockDevice(path, {.kind = DeviceKind::kMemory,
                           .capacity_bytes = capacity_bytes,
                           .direct = true,
                           .discard_supported = true}),
        disk_(disk) {}

 private:
  void DoSubmit(std::span<IoRequest> batch, const OnDone& on_done) override {
    for (size_t i = 0; i < batch.size(); ++i) {
      IoRequest& request = batch[i];
      if (request.kind == IoKind::kRead) {
        disk_.DeviceRead(path(), request.offset.value(), request.buffer);
      } else {
        disk_.DeviceWrite(path(), request.offset.value(), request.buffer);
      }
      request.status = Status::Ok();
      if (on_done) on_done(i);
    }
  }
  Status DoFlush() override {
    disk_.DeviceFlush(path());
    return {};
  }
  Status DoDiscard(DeviceOffset offset, uint64_t length) override {
    disk_.DeviceDiscard(path(), offset.value(), length);
    return {};
  }

  SimDisk& disk_;
};

}  // namespace

Result<OpenedDevice> OpenSimDevice(SimDisk& disk, const std::string& path, const DeviceOpenOptions&) {
  RAWKV_ASSIGN_OR_RETURN(const uint64_t bytes, disk.DeviceBytes(path));
  return OpenedDevice{.device = std::make_unique<SimDevice>(disk, path, bytes),
                      .used = IoEngine::kPosix,
                      .reason = "simulated"};
}

}  // namespace rawkv
