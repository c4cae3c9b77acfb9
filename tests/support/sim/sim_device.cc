#include "tests/support/sim/sim_device.h"

namespace rawkv {
namespace {

class SimDevice final : public BlockDevice {
 public:
  SimDevice(SimDisk& disk, SimDisk::Process process, const std::string& path, uint64_t capacity_bytes)
      : BlockDevice(path, {.kind = DeviceKind::kMemory,
                           .capacity_bytes = capacity_bytes,
                           .direct = true,
                           .discard_supported = true,
                           .sparse = true}),
        disk_(disk),
        process_(process) {}

 private:
  void DoSubmit(std::span<IoRequest> batch, const OnDone& on_done) override {
    for (size_t i = 0; i < batch.size(); ++i) {
      IoRequest& request = batch[i];
      if (request.kind == IoKind::kRead) {
        disk_.DeviceRead(path(), request.offset.value(), request.buffer);
      } else if (disk_.Alive(process_)) {
        disk_.DeviceWrite(path(), request.offset.value(), request.buffer);
      }
      request.status = Alive();
      if (on_done) on_done(i);
    }
  }
  Status DoFlush() override {
    if (disk_.Alive(process_)) disk_.DeviceFlush(path());
    return Alive();
  }
  Status DoEnlarge(uint64_t capacity_bytes) override {
    if (disk_.Alive(process_)) disk_.DeviceResize(path(), capacity_bytes);
    return Flush();
  }
  Result<uint64_t> DoFindSize() override { return disk_.DeviceBytes(path()); }
  Status DoDiscard(DeviceOffset offset, uint64_t length) override {
    if (disk_.Alive(process_)) disk_.DeviceDiscard(path(), offset.value(), length);
    return Alive();
  }

  Status Alive() const { return disk_.Alive(process_) ? Status::Ok() : Status::IoError(path() + ": killed"); }

  SimDisk& disk_;
  const SimDisk::Process process_;
};

}  // namespace

Result<OpenedDevice> OpenSimDevice(SimDisk& disk, SimDisk::Process process, const std::string& path) {
  RAWKV_ASSIGN_OR_RETURN(const uint64_t bytes, disk.DeviceBytes(path));
  return OpenedDevice{.device = std::make_unique<SimDevice>(disk, process, path, bytes),
                      .used = IoEngine::kPosix,
                      .reason = "simulated"};
}

}  // namespace rawkv
