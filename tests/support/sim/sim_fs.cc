#include "tests/support/sim/sim_fs.h"

namespace rawkv {
namespace {

class SimFile final : public File {
 public:
  SimFile(SimDisk& disk, SimDisk::Process process, InodeId inode, std::string path)
      : disk_(disk), process_(process), inode_(inode), path_(std::move(path)) {}

  Result<size_t> ReadAt(uint64_t offset, Bytes out) override { return disk_.Read(inode_, offset, out); }
  Status WriteAt(uint64_t offset, ConstBytes bytes) override {
    if (disk_.Alive(process_)) disk_.Write(inode_, path_, offset, bytes);
    return Alive();
  }
  Status ZeroFill(uint64_t offset, uint64_t length) override {
    if (disk_.Alive(process_)) disk_.Zero(inode_, path_, offset, length);
    return Alive();
  }
  Status Truncate(uint64_t size) override {
    if (disk_.Alive(process_)) disk_.Resize(inode_, path_, size);
    return Alive();
  }
  Result<uint64_t> Size() override { return disk_.Size(inode_); }
  Status Sync() override {
    if (disk_.Alive(process_)) disk_.SyncFile(inode_, path_);
    return Alive();
  }

 private:
  // Called after each operation, because the process may have died in it.
  Status Alive() const { return disk_.Alive(process_) ? Status::Ok() : Status::IoError(path_ + ": killed"); }

  SimDisk& disk_;
  const SimDisk::Process process_;
  const InodeId inode_;
  const std::string path_;
};

class SimFileLock final : public FileLock {
 public:
  SimFileLock(SimDisk& disk, SimDisk::Process process, InodeId inode)
      : disk_(disk), process_(process), inode_(inode) {}
  ~SimFileLock() override {
    if (disk_.Alive(process_)) disk_.Unlock(inode_);
  }

 private:
  SimDisk& disk_;
  const SimDisk::Process process_;
  const InodeId inode_;
};

}  // namespace

Result<std::unique_ptr<File>> SimFs::Open(const std::string& path, OpenMode mode) {
  RAWKV_RETURN_IF_ERROR(Alive());
  RAWKV_ASSIGN_OR_RETURN(const InodeId inode, disk_.Open(path, mode));
  return std::unique_ptr<File>(std::make_unique<SimFile>(disk_, process_, inode, path));
}

Result<std::unique_ptr<FileLock>> SimFs::Lock(const std::string& path) {
  RAWKV_RETURN_IF_ERROR(Alive());
  InodeId locked = 0;
  RAWKV_RETURN_IF_ERROR(disk_.Lock(path, &locked));
  return std::unique_ptr<FileLock>(std::make_unique<SimFileLock>(disk_, process_, locked));
}

}  // namespace rawkv
