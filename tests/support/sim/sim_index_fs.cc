#include "tests/support/sim/sim_index_fs.h"

#include <rocksdb/file_system.h>

#include <algorithm>
#include <string>
#include <vector>

namespace rawkv {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

IOStatus ToIoStatus(const Status& status) {
  if (status.ok()) return IOStatus::OK();
  if (status.code() == StatusCode::kNotFound) return IOStatus::PathNotFound(status.message());
  return IOStatus::IOError(status.message());
}

class SequentialFile final : public rocksdb::FSSequentialFile {
 public:
  SequentialFile(SimDisk& disk, InodeId inode) : disk_(disk), inode_(inode) {}
  IOStatus Read(size_t n, const IOOptions&, Slice* result, char* scratch, IODebugContext*) override {
    const Result<size_t> got = disk_.Read(inode_, at_, {reinterpret_cast<std::byte*>(scratch), n});
    if (!got.ok()) return ToIoStatus(got.status());
    at_ += *got;
    *result = Slice(scratch, *got);
    return IOStatus::OK();
  }
  IOStatus Skip(uint64_t n) override {
    at_ = std::min(at_ + n, disk_.Size(inode_));
    return IOStatus::OK();
  }

 private:
  SimDisk& disk_;
  const InodeId inode_;
  uint64_t at_ = 0;
};

class RandomAccessFile final : public rocksdb::FSRandomAccessFile {
 public:
  RandomAccessFile(SimDisk& disk, InodeId inode) : disk_(disk), inode_(inode) {}
  IOStatus Read(uint64_t offset, size_t n, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) const override {
    const Result<size_t> got = disk_.Read(inode_, offset, {reinterpret_cast<std::byte*>(scratch), n});
    if (!got.ok()) return ToIoStatus(got.status());
    *result = Slice(scratch, *got);
    return IOStatus::OK();
  }

 private:
  SimDisk& disk_;
  const InodeId inode_;
};

class WritableFile final : public rocksdb::FSWritableFile {
 public:
  WritableFile(SimDisk& disk, InodeId inode, std::string path)
      : disk_(disk), inode_(inode), path_(std::move(path)) {}
  using rocksdb::FSWritableFile::Append;
  IOStatus Append(const Slice& data, const IOOptions&, IODebugContext*) override {
    disk_.Append(inode_, path_, AsBytes({data.data(), data.size()}));
    return IOStatus::OK();
  }
  // RocksDB cuts what it has padded or taken ahead; here there is none of either.
  IOStatus Truncate(uint64_t size, const IOOptions&, IODebugContext*) override {
    if (size != disk_.Size(inode_)) disk_.Resize(inode_, path_, size);
    return IOStatus::OK();
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    disk_.SyncFile(inode_, path_);
    return IOStatus::OK();
  }
  bool IsSyncThreadSafe() const override { return true; }
  uint64_t GetFileSize(const IOOptions&, IODebugContext*) override { return disk_.Size(inode_); }
  // Starts write-back and promises nothing: no part of what a power cut must keep.
  IOStatus RangeSync(uint64_t, uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();
  }

 private:
  SimDisk& disk_;
  const InodeId inode_;
  const std::string path_;
};

class Directory final : public rocksdb::FSDirectory {
 public:
  Directory(SimDisk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}
  IOStatus Fsync(const IOOptions&, IODebugContext*) override { return ToIoStatus(disk_.SyncDir(path_)); }

 private:
  SimDisk& disk_;
  const std::string path_;
};

class HeldLock final : public rocksdb::FileLock {
 public:
  explicit HeldLock(InodeId inode_in) : inode(inode_in) {}
  const InodeId inode;
};

class SimIndexFs final : public rocksdb::FileSystem {
 public:
  explicit SimIndexFs(SimDisk& disk) : disk_(disk) {}
  const char* Name() const override { return "rawkv.SimIndexFs"; }

  IOStatus NewSequentialFile(const std::string& path, const FileOptions&,
                             std::unique_ptr<rocksdb::FSSequentialFile>* file, IODebugContext*) override {
    return OpenAs<SequentialFile>(path, file);
  }
  IOStatus NewRandomAccessFile(const std::string& path, const FileOptions&,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* file, IODebugContext*) override {
    return OpenAs<RandomAccessFile>(path, file);
  }
  IOStatus NewWritableFile(const std::string& path, const FileOptions&,
                           std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext*) override {
    const Result<InodeId> inode = disk_.Open(path, OpenMode::kCreate);
    if (!inode.ok()) return ToIoStatus(inode.status());
    if (disk_.Size(*inode) != 0) disk_.Resize(*inode, path, 0);
    *file = std::make_unique<WritableFile>(disk_, *inode, path);
    return IOStatus::OK();
  }
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions&,
                              std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext*) override {
    const Result<InodeId> inode = disk_.Open(path, OpenMode::kCreate);
    if (!inode.ok()) return ToIoStatus(inode.status());
    *file = std::make_unique<WritableFile>(disk_, *inode, path);
    return IOStatus::OK();
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions&, std::unique_ptr<rocksdb::FSDirectory>* dir,
                        IODebugContext*) override {
    const Result<FileStat> stat = disk_.Stat(path);
    if (!stat.ok()) return ToIoStatus(stat.status());
    *dir = std::make_unique<Directory>(disk_, path);
    return IOStatus::OK();
  }
  IOStatus FileExists(const std::string& path, const IOOptions&, IODebugContext*) override {
    const Result<FileStat> stat = disk_.Stat(path);
    if (stat.status().code() == StatusCode::kNotFound) return IOStatus::NotFound(path);
    return ToIoStatus(stat.status());
  }
  IOStatus GetChildren(const std::string& path, const IOOptions&, std::vector<std::string>* names,
                       IODebugContext*) override {
    Result<std::vector<std::string>> listed = disk_.List(path);
    if (!listed.ok()) return ToIoStatus(listed.status());
    *names = *std::move(listed);
    return IOStatus::OK();
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions&, IODebugContext*) override {
    return ToIoStatus(disk_.Remove(path, FileKind::kRegular));
  }
  IOStatus CreateDir(const std::string& path, const IOOptions&, IODebugContext*) override {
    return ToIoStatus(disk_.MakeDir(path));
  }
  IOStatus CreateDirIfMissing(const std::string& path, const IOOptions&, IODebugContext*) override {
    if (disk_.Stat(path).ok()) return IOStatus::OK();
    return ToIoStatus(disk_.MakeDir(path));
  }
  IOStatus DeleteDir(const std::string& path, const IOOptions&, IODebugContext*) override {
    return ToIoStatus(disk_.Remove(path, FileKind::kDirectory));
  }
  IOStatus GetFileSize(const std::string& path, const IOOptions&, uint64_t* size, IODebugContext*) override {
    const Result<FileStat> stat = disk_.Stat(path);
    if (stat.ok()) *size = stat->size_bytes;
    return ToIoStatus(stat.status());
  }
  IOStatus GetFileModificationTime(const std::string& path, const IOOptions&, uint64_t* time,
                                   IODebugContext*) override {
    *time = 0;
    return ToIoStatus(disk_.Stat(path).status());
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions&,
                      IODebugContext*) override {
    return ToIoStatus(disk_.Rename(from, to));
  }
  IOStatus LinkFile(const std::string& from, const std::string& to, const IOOptions&,
                    IODebugContext*) override {
    return ToIoStatus(disk_.Link(from, to));
  }
  IOStatus LockFile(const std::string& path, const IOOptions&, rocksdb::FileLock** lock,
                    IODebugContext*) override {
    InodeId inode = 0;
    const Status status = disk_.Lock(path, &inode);
    if (status.ok()) *lock = new HeldLock(inode);
    return ToIoStatus(status);
  }
  IOStatus UnlockFile(rocksdb::FileLock* lock, const IOOptions&, IODebugContext*) override {
    disk_.Unlock(static_cast<HeldLock*>(lock)->inode);
    delete static_cast<HeldLock*>(lock);
    return IOStatus::OK();
  }
  IOStatus GetTestDirectory(const IOOptions&, std::string* path, IODebugContext*) override {
    *path = "/";
    return IOStatus::OK();
  }
  IOStatus GetAbsolutePath(const std::string& path, const IOOptions&, std::string* absolute,
                           IODebugContext*) override {
    *absolute = path;
    return IOStatus::OK();
  }
  IOStatus IsDirectory(const std::string& path, const IOOptions&, bool* is, IODebugContext*) override {
    const Result<FileStat> stat = disk_.Stat(path);
    if (stat.ok()) *is = stat->kind == FileKind::kDirectory;
    return ToIoStatus(stat.status());
  }
  IOStatus GetFreeSpace(const std::string&, const IOOptions&, uint64_t* bytes, IODebugContext*) override {
    *bytes = uint64_t{1} << 40;
    return IOStatus::OK();
  }

 private:
  template <typename Opened, typename Interface>
  IOStatus OpenAs(const std::string& path, std::unique_ptr<Interface>* file) {
    const Result<InodeId> inode = disk_.Open(path, OpenMode::kRead);
    if (!inode.ok()) return ToIoStatus(inode.status());
    *file = std::make_unique<Opened>(disk_, *inode);
    return IOStatus::OK();
  }

  SimDisk& disk_;
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> MakeSimIndexFs(SimDisk& disk) {
  return std::make_shared<SimIndexFs>(disk);
}

}  // namespace rawkv
