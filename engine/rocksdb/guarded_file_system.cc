#include "engine/rocksdb/guarded_file_system.h"

#include <rocksdb/file_system.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "engine/rocksdb/rocksdb_status.h"

namespace rawkv {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

// RocksDB treats only ENOSPC as a lack of room. This does the same for a quota and for the limit of file
// size.
IOStatus WithNoSpace(IOStatus status) {
  if (status.ok() || status.IsNoSpace() || !status.IsIOError()) return status;
  if (!ContainsErrnoText(status, EDQUOT) && !ContainsErrnoText(status, EFBIG)) return status;
  return IOStatus::NoSpace(status.ToString());
}

class GuardedWritableFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  using Base = FSWritableFileOwnerWrapper;
  using Verification = rocksdb::DataVerificationInfo;
  explicit GuardedWritableFile(std::unique_ptr<FSWritableFile>&& base) : Base(std::move(base)) {}

  IOStatus Append(const Slice& data, const IOOptions& o, IODebugContext* d) override {
    return WithNoSpace(Base::Append(data, o, d));
  }
  IOStatus Append(const Slice& data, const IOOptions& o, const Verification& v, IODebugContext* d) override {
    return WithNoSpace(Base::Append(data, o, v, d));
  }
  IOStatus PositionedAppend(const Slice& data, uint64_t at, const IOOptions& o, IODebugContext* d) override {
    return WithNoSpace(Base::PositionedAppend(data, at, o, d));
  }
  IOStatus PositionedAppend(const Slice& data, uint64_t at, const IOOptions& o, const Verification& v,
                            IODebugContext* d) override {
    return WithNoSpace(Base::PositionedAppend(data, at, o, v, d));
  }
  IOStatus Truncate(uint64_t size, const IOOptions& o, IODebugContext* d) override {
    return WithNoSpace(Base::Truncate(size, o, d));
  }
  IOStatus Flush(const IOOptions& o, IODebugContext* d) override { return WithNoSpace(Base::Flush(o, d)); }
  IOStatus Sync(const IOOptions& o, IODebugContext* d) override { return WithNoSpace(Base::Sync(o, d)); }
  IOStatus Fsync(const IOOptions& o, IODebugContext* d) override { return WithNoSpace(Base::Fsync(o, d)); }
  IOStatus Close(const IOOptions& o, IODebugContext* d) override { return WithNoSpace(Base::Close(o, d)); }
};

class GuardedFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit GuardedFileSystem(const std::shared_ptr<FileSystem>& base) : FileSystemWrapper(base) {}
  const char* Name() const override { return "rawkv.GuardedFileSystem"; }

  IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) override {
    IOStatus status = WithNoSpace(FileSystemWrapper::NewWritableFile(path, options, file, debug));
    if (status.ok()) *file = std::make_unique<GuardedWritableFile>(std::move(*file));
    return status;
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* debug) override {
    return WithNoSpace(FileSystemWrapper::RenameFile(from, to, options, debug));
  }
  IOStatus CreateDir(const std::string& path, const IOOptions& options, IODebugContext* debug) override {
    return WithNoSpace(FileSystemWrapper::CreateDir(path, options, debug));
  }
  IOStatus CreateDirIfMissing(const std::string& path, const IOOptions& options,
                              IODebugContext* debug) override {
    return WithNoSpace(FileSystemWrapper::CreateDirIfMissing(path, options, debug));
  }

  // Hides the archive of RocksDB's own logs, which does not exist: RocksDB looks for it when it lists a
  // database's files, and asserts on the wrong variable if that fails.
  IOStatus FileExists(const std::string& path, const IOOptions& options, IODebugContext* debug) override {
    if (path.ends_with("/archive")) return IOStatus::NotFound(path);
    return FileSystemWrapper::FileExists(path, options, debug);
  }
  IOStatus GetChildren(const std::string& path, const IOOptions& options, std::vector<std::string>* names,
                       IODebugContext* debug) override {
    IOStatus status = FileSystemWrapper::GetChildren(path, options, names, debug);
    // RocksDB's own file system reports a directory that it may not list as absent.
    bool is_dir = false;
    if (status.IsNotFound() && IsDirectory(path, options, &is_dir, debug).ok() && is_dir) {
      status = IOStatus::IOError("list " + path, std::strerror(EACCES));
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
    rocksdb::IOStatus status = WithNoSpace(FileSystemWrapper::LockFile(path, options, lock, debug));
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
  mutable Mutex mu_;  // a leaf of the lock order
  rocksdb::Status listing_failure_ RAWKV_GUARDED_BY(mu_);
  rocksdb::FileLock* lock_ RAWKV_GUARDED_BY(mu_) = nullptr;
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> MakeGuardedFileSystem(const std::shared_ptr<rocksdb::FileSystem>& base) {
  return std::make_shared<GuardedFileSystem>(base);
}

rocksdb::Status ListingFailure(const rocksdb::FileSystem& guarded) {
  return static_cast<const GuardedFileSystem&>(guarded).listing_failure();
}

void ReleaseDatabaseLock(rocksdb::FileSystem& guarded) {
  static_cast<GuardedFileSystem&>(guarded).ReleaseLock();
}

}  // namespace rawkv
