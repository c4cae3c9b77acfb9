#include "tests/support/fault_fs.h"

#include <utility>

namespace rawkv {

class FaultFile final : public File {
 public:
  FaultFile(FaultFs& fs, std::string path, std::unique_ptr<File> base)
      : fs_(fs), path_(std::move(path)), base_(std::move(base)) {}

  Result<size_t> ReadAt(uint64_t offset, Bytes out) override { return base_->ReadAt(offset, out); }
  Result<uint64_t> Size() override { return base_->Size(); }

  Status WriteAt(uint64_t offset, ConstBytes bytes) override {
    bool half = false;
    if (Status fault = fs_.RecordAndCheck("write", path_, &half); !fault.ok()) {
      if (half) RAWKV_RETURN_IF_ERROR(base_->WriteAt(offset, bytes.first(bytes.size() / 2)));
      return fault;
    }
    return base_->WriteAt(offset, bytes);
  }
  Status ZeroFill(uint64_t offset, uint64_t length) override {
    bool half = false;
    if (Status fault = fs_.RecordAndCheck("zerofill", path_, &half); !fault.ok()) {
      if (half) RAWKV_RETURN_IF_ERROR(base_->ZeroFill(offset, length / 2));
      return fault;
    }
    return base_->ZeroFill(offset, length);
  }
  Status Truncate(uint64_t size) override {
    RAWKV_RETURN_IF_ERROR(fs_.RecordAndCheck("truncate", path_));
    return base_->Truncate(size);
  }
  Status Sync() override {
    RAWKV_RETURN_IF_ERROR(fs_.RecordAndCheck("sync", path_));
    return base_->Sync();
  }

 private:
  FaultFs& fs_;
  const std::string path_;
  const std::unique_ptr<File> base_;
};

void FaultFs::Arm(Fault fault) {
  MutexLock lock(mu_);
  fault_ = std::move(fault);
  armed_ = true;
  fired_ = false;
}

void FaultFs::Disarm() {
  MutexLock lock(mu_);
  armed_ = false;
}

bool FaultFs::fired() const {
  MutexLock lock(mu_);
  return fired_;
}

uint64_t FaultFs::operations() const {
  MutexLock lock(mu_);
  return trace_.size();
}

std::vector<FaultFs::Operation> FaultFs::trace() const {
  MutexLock lock(mu_);
  return trace_;
}

void FaultFs::ClearTrace() {
  MutexLock lock(mu_);
  trace_.clear();
}

Status FaultFs::RecordAndCheck(std::string name, const std::string& path, bool* half) {
  MutexLock lock(mu_);
  const Operation& operation = trace_.emplace_back(Operation{std::move(name), path});
  if (!armed_) return {};
  const bool stopped = fired_ && fault_.reach == Reach::kEverything;
  if (!stopped) {
    if (fault_.matches && !fault_.matches(operation)) return {};
    if (fault_.skip > 0) {
      --fault_.skip;
      return {};
    }
    if (half != nullptr) *half = fault_.partial && !fired_;
    if (fault_.reach == Reach::kOnce) armed_ = false;
  }
  fired_ = true;
  return fault_.status.WithContext(operation.name + " " + path);
}

Result<std::unique_ptr<File>> FaultFs::Open(const std::string& path, OpenMode mode) {
  if (mode == OpenMode::kCreate || mode == OpenMode::kCreateNew) {
    RAWKV_RETURN_IF_ERROR(RecordAndCheck("create", path));
  }
  RAWKV_ASSIGN_OR_RETURN(std::unique_ptr<File> file, base_.Open(path, mode));
  return std::unique_ptr<File>(std::make_unique<FaultFile>(*this, path, std::move(file)));
}

Status FaultFs::MakeDir(const std::string& path) {
  RAWKV_RETURN_IF_ERROR(RecordAndCheck("mkdir", path));
  return base_.MakeDir(path);
}

Status FaultFs::RemoveFile(const std::string& path) {
  RAWKV_RETURN_IF_ERROR(RecordAndCheck("unlink", path));
  return base_.RemoveFile(path);
}

Status FaultFs::RemoveDir(const std::string& path) {
  RAWKV_RETURN_IF_ERROR(RecordAndCheck("rmdir", path));
  return base_.RemoveDir(path);
}

Status FaultFs::Rename(const std::string& from, const std::string& to) {
  RAWKV_RETURN_IF_ERROR(RecordAndCheck("rename", to));
  return base_.Rename(from, to);
}

Status FaultFs::Link(const std::string& from, const std::string& to) {
  RAWKV_RETURN_IF_ERROR(RecordAndCheck("link", to));
  return base_.Link(from, to);
}

Status FaultFs::Symlink(const std::string& target, const std::string& path) {
  RAWKV_RETURN_IF_ERROR(RecordAndCheck("symlink", path));
  return base_.Symlink(target, path);
}

Status FaultFs::SyncDir(const std::string& dir) {
  RAWKV_RETURN_IF_ERROR(RecordAndCheck("syncdir", dir));
  return base_.SyncDir(dir);
}

Result<std::unique_ptr<FileLock>> FaultFs::Lock(const std::string& path) {
  RAWKV_RETURN_IF_ERROR(RecordAndCheck("lock", path));
  return base_.Lock(path);
}

}  // namespace rawkv
