#include "tests/support/device_seam.h"
#include "tests/support/faults/fault_world.h"
#include "tests/support/fs_seam.h"

namespace rawkv {
namespace {

Status ToStatus(const FaultPlane::Failure& failure, const std::string& what) {
  const std::string text = what + ": injected";
  return failure.kind == FaultKind::kNoSpace ? Status::NoSpace(text) : Status::IoError(text);
}

class PlaneFs final : public FsSeam {
 public:
  PlaneFs(Fs& base, FaultPlane& plane, FailedSyncs& syncs) : FsSeam(base), plane_(plane), syncs_(syncs) {}

 private:
  Status Before(const FsOperation& operation, bool* half) override {
    const std::string what = operation.name + " " + operation.path;
    const auto failure = plane_.Pass("fs." + operation.name, KindOfPath(operation.path));
    if (!failure) return {};
    *half = failure->half;
    if (operation.name == "sync") syncs_.RecordFailure(operation.path);
    if (operation.name == "sync" || operation.name == "syncdir") return Status::IoError(what + ": injected");
    return ToStatus(*failure, what);
  }

  FaultPlane& plane_;
  FailedSyncs& syncs_;
};

class PlaneDevice final : public DeviceSeam {
 public:
  PlaneDevice(std::unique_ptr<BlockDevice> base, FaultPlane& plane, FailedSyncs& syncs)
      : DeviceSeam(std::move(base), [this](const IoRequest& r) { return Answer(r); }),
        plane_(plane),
        syncs_(syncs) {}

 private:
  std::optional<Status> Answer(const IoRequest& r) {
    const bool read = r.kind == IoKind::kRead;
    const auto f = plane_.Pass(read ? "device.read" : "device.write", KindOfDeviceRegion(r.offset.value()));
    if (!f) return std::nullopt;
    const size_t half = read || !f->half ? 0 : r.buffer.size() / 2 / kBlockAlign * kBlockAlign;
    if (half != 0) RAWKV_RETURN_IF_ERROR(base().Write(r.offset, r.buffer.first(half)));
    return ToStatus(*f, std::string(read ? "read of " : "write of ") + path() + " at offset " +
                            std::to_string(r.offset.value()));
  }
  Status DoFlush() override {
    if (!plane_.Pass("device.flush", "device")) return DeviceSeam::DoFlush();
    syncs_.RecordFailure(path());
    return Status::IoError("flush of " + path() + ": injected");
  }
  Status DoEnlarge(uint64_t capacity_bytes) override {
    if (const auto f = plane_.Pass("device.enlarge", "device")) return ToStatus(*f, "enlarging " + path());
    RAWKV_RETURN_IF_ERROR(DeviceSeam::DoEnlarge(capacity_bytes));
    return DoFlush();
  }
  Result<uint64_t> DoFindSize() override {
    if (const auto f = plane_.Pass("device.size", "device")) return ToStatus(*f, "size of " + path());
    return DeviceSeam::DoFindSize();
  }
  Status DoDiscard(DeviceOffset offset, uint64_t length) override {
    const auto f = plane_.Pass("device.discard", KindOfDeviceRegion(offset.value()));
    return f ? ToStatus(*f, "discard of " + path()) : DeviceSeam::DoDiscard(offset, length);
  }

  FaultPlane& plane_;
  FailedSyncs& syncs_;
};

}  // namespace

std::unique_ptr<Fs> MakeFaultSimFs(Fs& base, FaultPlane& plane, FailedSyncs& syncs) {
  return std::make_unique<PlaneFs>(base, plane, syncs);
}

Result<OpenedDevice> OpenFaultDevice(OpenedDevice base, FaultPlane& plane, FailedSyncs& syncs) {
  base.device = std::make_unique<PlaneDevice>(std::move(base.device), plane, syncs);
  return base;
}

}  // namespace rawkv
