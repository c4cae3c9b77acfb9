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

 private:
  mutable Mutex mu_;  // a leaf
  rocksdb::Status listing_failure_ RAWKV_GUARDED_BY(mu_);
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> Guarded(const std::shared_ptr<rocksdb::FileSystem>& base) {
  return std::make_shared<GuardedFileSystem>(base);
}

rocksdb::Status ListingFailure(const rocksdb::FileSystem& guarded) {
  return static_cast<const GuardedFileSystem&>(guarded).listing_failure();
}

}  // namespace rawkv
