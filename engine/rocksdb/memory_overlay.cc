#include "engine/rocksdb/memory_overlay.h"

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace rawkv {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

// Nothing in this directory reaches a disk, so there is nothing to sync.
class MemoryDirectory final : public rocksdb::FSDirectory {
 public:
  IOStatus Fsync(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
};

class OverlayFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit OverlayFileSystem(const std::shared_ptr<FileSystem>& base)
      : FileSystemWrapper(base),
        memory_env_(rocksdb::NewMemEnv(rocksdb::Env::Default())),
        memory_(memory_env_->GetFileSystem()) {}
  const char* Name() const override { return "rawkv.OverlayFileSystem"; }

  IOStatus NewSequentialFile(const std::string& path, const FileOptions& options,
                             std::unique_ptr<rocksdb::FSSequentialFile>* file, IODebugContext* d) override {
    if (InMemory(path)) return memory_->NewSequentialFile(path, options, file, d);
    if (Hidden(path)) return IOStatus::PathNotFound(path);
    return FileSystemWrapper::NewSequentialFile(path, options, file, d);
  }
  IOStatus NewRandomAccessFile(const std::string& path, const FileOptions& options,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                               IODebugContext* d) override {
    if (InMemory(path)) return memory_->NewRandomAccessFile(path, options, file, d);
    if (Hidden(path)) return IOStatus::PathNotFound(path);
    return FileSystemWrapper::NewRandomAccessFile(path, options, file, d);
  }
  IOStatus NewWritableFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* d) override {
    return memory_->NewWritableFile(path, options, file, d);
  }
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions&,
                              std::unique_ptr<rocksdb::FSWritableFile>*, IODebugContext*) override {
    return IOStatus::NotSupported(path);
  }
  IOStatus ReuseWritableFile(const std::string& path, const std::string&, const FileOptions&,
                             std::unique_ptr<rocksdb::FSWritableFile>*, IODebugContext*) override {
    return IOStatus::NotSupported(path);
  }
  IOStatus NewRandomRWFile(const std::string& path, const FileOptions&,
                           std::unique_ptr<rocksdb::FSRandomRWFile>*, IODebugContext*) override {
    return IOStatus::NotSupported(path);
  }
  IOStatus NewDirectory(const std::string&, const IOOptions&,
                        std::unique_ptr<rocksdb::FSDirectory>* directory, IODebugContext*) override {
    *directory = std::make_unique<MemoryDirectory>();
    return IOStatus::OK();
  }

  IOStatus FileExists(const std::string& path, const IOOptions& o, IODebugContext* d) override {
    if (InMemory(path)) return IOStatus::OK();
    if (Hidden(path)) return IOStatus::NotFound(path);
    return FileSystemWrapper::FileExists(path, o, d);
  }
  IOStatus GetChildren(const std::string& dir, const IOOptions& o, std::vector<std::string>* names,
                       IODebugContext* d) override {
    IOStatus status = FileSystemWrapper::GetChildren(dir, o, names, d);
    if (!status.ok()) return status;
    std::erase_if(*names, [&](const std::string& name) { return Hidden(dir + "/" + name); });
    std::vector<std::string> in_memory;
    if (memory_->GetChildren(dir, o, &in_memory, d).ok()) {
      std::set<std::string> all(names->begin(), names->end());
      all.insert(in_memory.begin(), in_memory.end());
      names->assign(all.begin(), all.end());
    }
    return status;
  }
  IOStatus GetChildrenFileAttributes(const std::string& dir, const IOOptions& o,
                                     std::vector<rocksdb::FileAttributes>* files,
                                     IODebugContext* d) override {
    return FileSystem::GetChildrenFileAttributes(dir, o, files, d);  // calls GetChildren and GetFileSize
  }
  IOStatus GetFileSize(const std::string& path, const IOOptions& o, uint64_t* size,
                       IODebugContext* d) override {
    if (InMemory(path)) return memory_->GetFileSize(path, o, size, d);
    if (Hidden(path)) return IOStatus::PathNotFound(path);
    return FileSystemWrapper::GetFileSize(path, o, size, d);
  }
  IOStatus GetFileModificationTime(const std::string& path, const IOOptions& o, uint64_t* time,
                                   IODebugContext* d) override {
    if (InMemory(path)) return memory_->GetFileModificationTime(path, o, time, d);
    return FileSystemWrapper::GetFileModificationTime(path, o, time, d);
  }

  IOStatus DeleteFile(const std::string& path, const IOOptions& o, IODebugContext* d) override {
    if (InMemory(path)) {
      IOStatus deleted = memory_->DeleteFile(path, o, d);
      if (!deleted.ok()) return deleted;
    }
    MutexLock lock(mu_);
    hidden_.insert(path);
    return IOStatus::OK();
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& o,
                      IODebugContext* d) override {
    if (!InMemory(from)) return IOStatus::NotSupported(from);
    return memory_->RenameFile(from, to, o, d);
  }
  IOStatus LinkFile(const std::string& from, const std::string&, const IOOptions&, IODebugContext*) override {
    return IOStatus::NotSupported(from);
  }
  IOStatus Truncate(const std::string& path, size_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::NotSupported(path);
  }
  IOStatus CreateDir(const std::string&, const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();
  }
  IOStatus CreateDirIfMissing(const std::string&, const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();
  }
  IOStatus DeleteDir(const std::string&, const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();
  }
  // The store's own lock keeps other processes out.
  IOStatus LockFile(const std::string&, const IOOptions&, rocksdb::FileLock** lock,
                    IODebugContext*) override {
    *lock = new rocksdb::FileLock();
    return IOStatus::OK();
  }
  IOStatus UnlockFile(rocksdb::FileLock* lock, const IOOptions&, IODebugContext*) override {
    delete lock;
    return IOStatus::OK();
  }

 private:
  bool InMemory(const std::string& path) { return memory_->FileExists(path, {}, nullptr).ok(); }
  // Whether the path was deleted. `base` may still have the file. A file that is written later under the name
  // is in memory.
  bool Hidden(const std::string& path) {
    MutexLock lock(mu_);
    return hidden_.contains(path);
  }

  const std::unique_ptr<rocksdb::Env> memory_env_;
  const std::shared_ptr<FileSystem> memory_;
  Mutex mu_;
  std::set<std::string> hidden_ RAWKV_GUARDED_BY(mu_);
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> MakeMemoryOverlay(const std::shared_ptr<rocksdb::FileSystem>& base) {
  return std::make_shared<OverlayFileSystem>(base);
}

}  // namespace rawkv
