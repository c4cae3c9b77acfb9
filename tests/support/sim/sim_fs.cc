#include "tests/support/sim/sim_fs.h"

namespace rawkv {
namespace {

class SimFile final : public File {
 public:
  SimFile(SimDisk& disk, InodeId inode, std::string path)
      : disk_(disk), inode_(inode), path_(std::move(path)) {}

  Result<size_t> ReadAt(uint64_t offset, Bytes out) override { return disk_.Read(inode_, offset, out); }
  Status WriteAt(uint64_t offset, ConstBytes bytes) override {
    disk_.Write(inode_, path_, offset, bytes);
    return {};
  }
  Status ZeroFill(uint64_t offset, uint64_t length) override {
    disk_.Zero(inode_, path_, offset, length);
    return {};
  }
  Status Truncate(uint64_t size) override {
    disk_.Resize(inode_, path_, size);
    return {};
  }
  Result<uint64_t> Size() override { return disk_.Size(inode_); }
  Status Sync() override {
    disk_.SyncFile(inode_, path_);
    return {};
  }

 private:
  SimDisk& disk_;
  const InodeId inode_;
  const std::string path_;
};

class SimFileLock final : public FileLock {
 public:
  SimFileLock(SimDisk& disk, InodeId inode) : disk_(disk), inode_(inode) {}
  ~SimFileLock() override { disk_.Unlock(inode_); }

 private:
  SimDisk& disk_;
  const InodeId inode_;
};

}  // namespace

Result<std::unique_ptr<File>> SimFs::Open(const std::string& path, OpenMode mode) {
  RAWKV_ASSIGN_OR_RETURN(const InodeId inode, disk_.Open(path, mode));
  return std::unique_ptr<File>(std::make_unique<SimFile>(disk_, inode, path));
}

Result<std::unique_ptr<FileLock>> SimFs::Lock(const std::string& path) {
  InodeId locked = 0;
  RAWKV_RETURN_IF_ERROR(disk_.Lock(path, &locked));
  return std::unique_ptr<FileLock>(std::make_unique<SimFileLock>(disk_, locked));
}

}  // namespace rawkv
