#include "engine/index/guarded_file_system.h"

#include <rocksdb/file_system.h>

#include <atomic>
#include <string>
#include <vector>

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
    if (!status.ok() && !status.IsNotFound()) listing_failed_ = true;
    return status;
  }
  bool listing_failed() const { return listing_failed_; }

 private:
  std::atomic<bool> listing_failed_ = false;
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> Guarded(const std::shared_ptr<rocksdb::FileSystem>& base) {
  return std::make_shared<GuardedFileSystem>(base);
}

bool ListingFailed(const rocksdb::FileSystem& guarded) {
  return static_cast<const GuardedFileSystem&>(guarded).listing_failed();
}

}  // namespace rawkv
