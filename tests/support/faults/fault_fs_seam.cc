#include "tests/support/faults/fault_world.h"

namespace rawkv {
namespace {

Status ToStatus(const FaultPlane::Failure& failure, const std::string& what) {
  const std::string text = what + ": injected";
  return failure.kind == FaultKind::kNoSpace ? Status::NoSpace(text) : Status::IoError(text);
}

class PlaneFile final : public File {
 public:
  PlaneFile(std::unique_ptr<File> base, std::string path, FaultPlane& plane, FailedSyncs& syncs)
      : base_(std::move(base)),
        path_(std::move(path)),
        kind_(KindOfPath(path_)),
        plane_(plane),
        syncs_(syncs) {}

  Result<size_t> ReadAt(uint64_t offset, Bytes out) override {
    if (const auto f = plane_.Pass("fs.read", kind_)) return ToStatus(*f, "read " + path_);
    return base_->ReadAt(offset, out);
  }
  Status WriteAt(uint64_t offset, ConstBytes bytes) override {
    const auto f = plane_.Pass("fs.write", kind_);
    if (!f) return base_->WriteAt(offset, bytes);
    if (f->half) RAWKV_RETURN_IF_ERROR(base_->WriteAt(offset, bytes.first(bytes.size() / 2)));
    return ToStatus(*f, "write " + path_);
  }
  Status ZeroFill(uint64_t offset, uint64_t length) override {
    const auto f = plane_.Pass("fs.zerofill", kind_);
    if (!f) return base_->ZeroFill(offset, length);
    if (f->half) RAWKV_RETURN_IF_ERROR(base_->ZeroFill(offset, length / 2));
    return ToStatus(*f, "zerofill " + path_);
  }
  Status Truncate(uint64_t size) override {
    if (const auto f = plane_.Pass("fs.truncate", kind_)) return ToStatus(*f, "truncate " + path_);
    return base_->Truncate(size);
  }
  Result<uint64_t> Size() override {
    if (const auto f = plane_.Pass("fs.size", kind_)) return ToStatus(*f, "stat " + path_);
    return base_->Size();
  }
  Status Sync() override {
    if (!plane_.Pass("fs.sync", kind_)) return base_->Sync();
    syncs_.RecordFailure(path_);
    return Status::IoError("sync " + path_ + ": injected");
  }

 private:
  const std::unique_ptr<File> base_;
  const std::string path_;
  const std::string kind_;
  FaultPlane& plane_;
  FailedSyncs& syncs_;
};

class PlaneFs final : public Fs {
 public:
  PlaneFs(Fs& base, FaultPlane& plane, FailedSyncs& syncs) : base_(base), plane_(plane), syncs_(syncs) {}

  Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override {
    const bool create = mode == OpenMode::kCreate || mode == OpenMode::kCreateNew;
    RAWKV_RETURN_IF_ERROR(Pass(create ? "fs.create" : "fs.open", path));
    RAWKV_ASSIGN_OR_RETURN(std::unique_ptr<File> file, base_.Open(path, mode));
    return std::unique_ptr<File>(std::make_unique<PlaneFile>(std::move(file), path, plane_, syncs_));
  }
  Result<FileStat> Stat(const std::string& path) override {
    RAWKV_RETURN_IF_ERROR(Pass("fs.stat", path));
    return base_.Stat(path);
  }
  Result<std::vector<std::string>> List(const std::string& dir) override {
    RAWKV_RETURN_IF_ERROR(Pass("fs.list", dir));
    return base_.List(dir);
  }
  Status MakeDir(const std::string& path) override {
    RAWKV_RETURN_IF_ERROR(Pass("fs.mkdir", path));
    return base_.MakeDir(path);
  }
  Status RemoveFile(const std::string& path) override {
    RAWKV_RETURN_IF_ERROR(Pass("fs.unlink", path));
    return base_.RemoveFile(path);
  }
  Status RemoveDir(const std::string& path) override {
    RAWKV_RETURN_IF_ERROR(Pass("fs.rmdir", path));
    return base_.RemoveDir(path);
  }
  Status Rename(const std::string& from, const std::string& to) override {
    RAWKV_RETURN_IF_ERROR(Pass("fs.rename", to));
    return base_.Rename(from, to);
  }
  Status Link(const std::string& from, const std::string& to) override {
    RAWKV_RETURN_IF_ERROR(Pass("fs.link", to));
    return base_.Link(from, to);
  }
  Status Symlink(const std::string& target, const std::string& path) override {
    RAWKV_RETURN_IF_ERROR(Pass("fs.symlink", path));
    return base_.Symlink(target, path);
  }
  Result<std::string> ReadLink(const std::string& path) override {
    RAWKV_RETURN_IF_ERROR(Pass("fs.readlink", path));
    return base_.ReadLink(path);
  }
  Status SyncDir(const std::string& dir) override {
    if (plane_.Pass("fs.syncdir", KindOfPath(dir))) return Status::IoError("syncdir " + dir + ": injected");
    return base_.SyncDir(dir);
  }
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    RAWKV_RETURN_IF_ERROR(Pass("fs.lock", path));
    return base_.Lock(path);
  }
  Result<FsSpace> Space(const std::string& path) override {
    RAWKV_RETURN_IF_ERROR(Pass("fs.space", path));
    return base_.Space(path);
  }

 private:
  Status Pass(const std::string& operation, const std::string& path) {
    const auto failure = plane_.Pass(operation, KindOfPath(path));
    return failure ? ToStatus(*failure, operation + " " + path) : Status::Ok();
  }

  Fs& base_;
  FaultPlane& plane_;
  FailedSyncs& syncs_;
};

class PlaneDevice final : public BlockDevice {
 public:
  PlaneDevice(std::unique_ptr<BlockDevice> base, FaultPlane& plane, FailedSyncs& syncs)
      : BlockDevice(base->path(), base->geometry()), base_(std::move(base)), plane_(plane), syncs_(syncs) {}

 private:
  void DoSubmit(std::span<IoRequest> batch, const OnDone& on_done) override {
    for (size_t i = 0; i < batch.size(); ++i) {
      IoRequest& r = batch[i];
      r.status = r.kind == IoKind::kRead ? DoRead(r) : DoWrite(r);
      if (on_done) on_done(i);
    }
  }
  Status DoRead(const IoRequest& r) {
    const std::string what = "read of " + path() + " at offset " + std::to_string(r.offset.value());
    const auto f = plane_.Pass("device.read", KindOfDeviceRegion(r.offset.value()));
    return f ? ToStatus(*f, what) : base_->Read(r.offset, r.buffer);
  }
  Status DoWrite(const IoRequest& r) {
    const std::string what = "write of " + path() + " at offset " + std::to_string(r.offset.value());
    const auto f = plane_.Pass("device.write", KindOfDeviceRegion(r.offset.value()));
    if (!f) return base_->Write(r.offset, r.buffer);
    const size_t half = r.buffer.size() / 2 / kBlockAlign * kBlockAlign;
    if (f->half && half != 0) RAWKV_RETURN_IF_ERROR(base_->Write(r.offset, r.buffer.first(half)));
    return ToStatus(*f, what);
  }
  Status DoFlush() override {
    if (!plane_.Pass("device.flush", "device")) return base_->Flush();
    syncs_.RecordFailure(path());
    return Status::IoError("flush of " + path() + ": injected");
  }
  Status DoDiscard(DeviceOffset offset, uint64_t length) override {
    const auto f = plane_.Pass("device.discard", KindOfDeviceRegion(offset.value()));
    return f ? ToStatus(*f, "discard of " + path()) : base_->Discard(offset, length);
  }

  const std::unique_ptr<BlockDevice> base_;
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
