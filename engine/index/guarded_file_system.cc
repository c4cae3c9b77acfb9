#include "engine/index/guarded_file_system.h"

#include <rocksdb/file_system.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "base/mutex.h"

namespace rawkv {
namespace {

class GuardedFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit GuardedFileSystem(const std::shared_ptr<FileSystem>& base) : FileSystemWrapper(base) {}
  const char* Name() const override { return "rawkv.GuardedFileSystem"; }

  // The archive of RocksDB's own logs, which are never written here. Listing a database's files looks for
  // it, and asserts on the wrong variable if that fails.
  rocksdb::IOStatus FileExists(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override {
    if (path.ends_with("/archive")) return rocksdb::IOStatus::NotFound(path);
    return FileSystemWrapper::FileExists(path, options, debug);
  }
  rocksdb::IOStatus GetChildren(const std::string& path, const rocksdb::IOOptions& options,
                                std::vector<std::string>* names, rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus status = FileSystemWrapper::GetChildren(path, options, names, debug);
    // RocksDB's own file system reports a directory that it may not list as absent.
    bool is_dir = false;
    if (status.IsNotFound() && IsDirectory(path, options, &is_dir, debug).ok() && is_dir) {
      status = rocksdb::IOStatus::IOError("list " + path, std::strerror(EACCES));
    }
    if (!status.ok() && !status.IsNotFound()) {
      MutexLock lock(mu_);
      if (listing_failure_.ok()) listing_failure_ = status;
    }
    return status;
  }
  rocksdb::Status listing_failure() const RAWKV_EXCLUDES(mu_) {
    MutexLock lock(mu_);
    return listing_failure_;
  }

  rocksdb::IOStatus LockFile(const std::string& path, const rocksdb::IOOptions& options,
                             rocksdb::FileLock** lock, rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus status = FileSystemWrapper::LockFile(path, options, lock, debug);
    MutexLock guard(mu_);
    if (status.ok()) lock_ = *lock;
    return status;
  }
  rocksdb::IOStatus UnlockFile(rocksdb::FileLock* lock, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override {
    MutexLock guard(mu_);
    lock_ = nullptr;
    return FileSystemWrapper::UnlockFile(lock, options, debug);
  }
  void ReleaseLock() {
    MutexLock guard(mu_);
    if (lock_ != nullptr) FileSystemWrapper::UnlockFile(lock_, {}, nullptr).PermitUncheckedError();
    lock_ = nullptr;
  }

 private:
  mutable Mutex mu_;  // a leaf
  rocksdb::Status listing_failure_ RAWKV_GUARDED_BY(mu_);
  rocksdb::FileLock* lock_ RAWKV_GUARDED_BY(mu_) = nullptr;
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> Guarded(const std::shared_ptr<rocksdb::FileSystem>& base) {
  return std::make_shared<GuardedFileSystem>(base);
}

rocksdb::Status ListingFailure(const rocksdb::FileSystem& guarded) {
  return static_cast<const GuardedFileSystem&>(guarded).listing_failure();
}

void ReleaseDatabaseLock(rocksdb::FileSystem& guarded) {
  static_cast<GuardedFileSystem&>(guarded).ReleaseLock();
}

}  // namespace rawkv
