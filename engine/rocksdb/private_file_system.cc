#include "engine/rocksdb/private_file_system.h"

#include <rocksdb/file_system.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/file_owner.h"

namespace rawkv {
namespace {

class OwnersFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit OwnersFileSystem(std::optional<FileOwner> owner)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), owner_(std::move(owner)) {}
  const char* Name() const override { return "rawkv.OwnersFileSystem"; }

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus status = FileSystemWrapper::NewWritableFile(path, options, file, debug);
    return status.ok() ? Restrict(path, 0600) : status;
  }
  rocksdb::IOStatus LockFile(const std::string& path, const rocksdb::IOOptions& options,
                             rocksdb::FileLock** lock, rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus status = FileSystemWrapper::LockFile(path, options, lock, debug);
    // An error does not matter: the lock file is empty.
    if (status.ok()) Restrict(path, 0600).PermitUncheckedError();
    return status;
  }
  rocksdb::IOStatus CreateDir(const std::string& path, const rocksdb::IOOptions& options,
                              rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus status = FileSystemWrapper::CreateDir(path, options, debug);
    return status.ok() ? Restrict(path, 0700) : status;
  }
  rocksdb::IOStatus CreateDirIfMissing(const std::string& path, const rocksdb::IOOptions& options,
                                       rocksdb::IODebugContext* debug) override {
    // An existing directory keeps its mode.
    if (FileSystemWrapper::FileExists(path, options, debug).ok()) return rocksdb::IOStatus::OK();
    return CreateDir(path, options, debug);
  }

 private:
  rocksdb::IOStatus Restrict(const std::string& path, mode_t mode) const {
    if (owner_) owner_->ApplyTo(path);
    if (::chmod(path.c_str(), mode) == 0) return rocksdb::IOStatus::OK();
    return rocksdb::IOStatus::IOError("chmod " + path, std::strerror(errno));
  }

  const std::optional<FileOwner> owner_;
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> MakePrivateFileSystem() {
  return std::make_shared<OwnersFileSystem>(std::nullopt);
}

std::shared_ptr<rocksdb::FileSystem> MakePrivateFileSystemForOwnerOf(const std::string& dir) {
  return std::make_shared<OwnersFileSystem>(FileOwner::ForDirectory(dir));
}

}  // namespace rawkv
