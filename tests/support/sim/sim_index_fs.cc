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

// The process that RocksDB runs in, and its disk.
struct Machine {
  SimDisk& disk;
  const SimDisk::Process process;
  bool alive() const { return disk.Alive(process); }
  IOStatus CheckAlive() const { return alive() ? IOStatus::OK() : IOStatus::IOError("the process is dead"); }
};

IOStatus ToIoStatus(const Status& status) {
  if (status.ok()) return IOStatus::OK();
  if (status.code() == StatusCode::kNotFound) return IOStatus::PathNotFound(status.message());
  return IOStatus::IOError(status.message());
}

class SequentialFile final : public rocksdb::FSSequentialFile {
 public:
  SequentialFile(const Machine& machine, InodeId inode) : disk_(machine.disk), inode_(inode) {}
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
  RandomAccessFile(const Machine& machine, InodeId inode) : disk_(machine.disk), inode_(inode) {}
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
  WritableFile(const Machine& machine, InodeId inode, std::string path)
      : machine_(machine), inode_(inode), path_(std::move(path)) {}
  using rocksdb::FSWritableFile::Append;
  IOStatus Append(const Slice& data, const IOOptions&, IODebugContext*) override {
    if (machine_.alive()) machine_.disk.Append(inode_, path_, AsBytes({data.data(), data.size()}));
    return machine_.CheckAlive();
  }
  // RocksDB truncates padding and preallocated space, which do not exist here.
  IOStatus Truncate(uint64_t size, const IOOptions&, IODebugContext*) override {
    if (machine_.alive() && size != machine_.disk.Size(inode_)) machine_.disk.Resize(inode_, path_, size);
    return machine_.CheckAlive();
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    if (machine_.alive()) machine_.disk.SyncFile(inode_, path_);
    return machine_.CheckAlive();
  }
  bool IsSyncThreadSafe() const override { return true; }
  uint64_t GetFileSize(const IOOptions&, IODebugContext*) override { return machine_.disk.Size(inode_); }
  // RangeSync starts write-back and promises nothing: a power cut may lose the range.
  IOStatus RangeSync(uint64_t, uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();
  }

 private:
  const Machine machine_;
  const InodeId inode_;
  const std::string path_;
};

class Directory final : public rocksdb::FSDirectory {
 public:
  Directory(const Machine& machine, std::string path) : machine_(machine), path_(std::move(path)) {}
  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    return machine_.alive() ? ToIoStatus(machine_.disk.SyncDir(path_)) : machine_.CheckAlive();
  }

 private:
  const Machine machine_;
  const std::string path_;
};

class HeldLock final : public rocksdb::FileLock {
 public:
  explicit HeldLock(InodeId inode_in) : inode(inode_in) {}
  const InodeId inode;
};

class SimIndexFs final : public rocksdb::FileSystem {
 public:
  SimIndexFs(const Machine& machine, OptionsFiles options_files)
      : machine_(machine), disk_(machine.disk), options_files_(options_files) {}
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
    if (!machine_.alive()) return machine_.CheckAlive();
    if (options_files_ == OptionsFiles::kRefused && path.find("/OPTIONS-") != std::string::npos) {
      return IOStatus::NotSupported("no options files here");
    }
    const Result<InodeId> inode = disk_.Open(path, OpenMode::kCreate);
    if (!inode.ok()) return ToIoStatus(inode.status());
    if (disk_.Size(*inode) != 0) disk_.Resize(*inode, path, 0);
    *file = std::make_unique<WritableFile>(machine_, *inode, path);
    return IOStatus::OK();
  }
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions&,
                              std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext*) override {
    if (!machine_.alive()) return machine_.CheckAlive();
    const Result<InodeId> inode = disk_.Open(path, OpenMode::kCreate);
    if (!inode.ok()) return ToIoStatus(inode.status());
    *file = std::make_unique<WritableFile>(machine_, *inode, path);
    return IOStatus::OK();
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions&, std::unique_ptr<rocksdb::FSDirectory>* dir,
                        IODebugContext*) override {
    const Result<FileStat> stat = disk_.Stat(path);
    if (!stat.ok()) return ToIoStatus(stat.status());
    *dir = std::make_unique<Directory>(machine_, path);
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
    if (!machine_.alive()) return machine_.CheckAlive();
    return ToIoStatus(disk_.Remove(path, FileKind::kRegular));
  }
  IOStatus CreateDir(const std::string& path, const IOOptions&, IODebugContext*) override {
    if (!machine_.alive()) return machine_.CheckAlive();
    return ToIoStatus(disk_.MakeDir(path));
  }
  IOStatus CreateDirIfMissing(const std::string& path, const IOOptions&, IODebugContext*) override {
    if (!machine_.alive()) return machine_.CheckAlive();
    if (disk_.Stat(path).ok()) return IOStatus::OK();
    return ToIoStatus(disk_.MakeDir(path));
  }
  IOStatus DeleteDir(const std::string& path, const IOOptions&, IODebugContext*) override {
    if (!machine_.alive()) return machine_.CheckAlive();
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
    if (!machine_.alive()) return machine_.CheckAlive();
    return ToIoStatus(disk_.Rename(from, to));
  }
  IOStatus LinkFile(const std::string& from, const std::string& to, const IOOptions&,
                    IODebugContext*) override {
    if (!machine_.alive()) return machine_.CheckAlive();
    return ToIoStatus(disk_.Link(from, to));
  }
  IOStatus LockFile(const std::string& path, const IOOptions&, rocksdb::FileLock** lock,
                    IODebugContext*) override {
    if (!machine_.alive()) return machine_.CheckAlive();
    InodeId inode = 0;
    const Status status = disk_.Lock(path, &inode);
    if (status.ok()) *lock = new HeldLock(inode);
    return ToIoStatus(status);
  }
  IOStatus UnlockFile(rocksdb::FileLock* lock, const IOOptions&, IODebugContext*) override {
    if (machine_.alive()) disk_.Unlock(static_cast<HeldLock*>(lock)->inode);
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
    *file = std::make_unique<Opened>(machine_, *inode);
    return IOStatus::OK();
  }

  const Machine machine_;
  SimDisk& disk_;
  const OptionsFiles options_files_;
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> MakeSimIndexFs(SimDisk& disk, SimDisk::Process process,
                                                    OptionsFiles options_files) {
  return std::make_shared<SimIndexFs>(Machine{disk, process}, options_files);
}

}  // namespace rawkv
