#include <rocksdb/file_system.h>

#include <utility>

#include "tests/support/faults/fault_world.h"

namespace rawkv {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

struct Seam {
  FaultPlane& plane;
  FailedSyncs& syncs;

  IOStatus Pass(const char* operation, const std::string& path, bool* half = nullptr) const {
    const auto failure = plane.Pass(std::string("index.") + operation, KindOfPath(path));
    if (!failure) return IOStatus::OK();
    if (half != nullptr) *half = failure->half;
    const std::string text = std::string(operation) + " " + path + ": injected";
    return failure->kind == FaultKind::kNoSpace ? IOStatus::NoSpace(text) : IOStatus::IOError(text);
  }
};

#define PASS(...)                      \
  do {                                 \
    IOStatus passed_ = (__VA_ARGS__);  \
    if (!passed_.ok()) return passed_; \
  } while (false)

class PlaneSequentialFile final : public rocksdb::FSSequentialFileOwnerWrapper {
 public:
  PlaneSequentialFile(std::unique_ptr<FSSequentialFile>&& base, std::string path, Seam seam)
      : FSSequentialFileOwnerWrapper(std::move(base)), path_(std::move(path)), seam_(seam) {}
  IOStatus Read(size_t n, const IOOptions& o, Slice* result, char* scratch, IODebugContext* d) override {
    PASS(seam_.Pass("read", path_));
    return FSSequentialFileOwnerWrapper::Read(n, o, result, scratch, d);
  }

 private:
  const std::string path_;
  const Seam seam_;
};

class PlaneRandomAccessFile final : public rocksdb::FSRandomAccessFileOwnerWrapper {
 public:
  PlaneRandomAccessFile(std::unique_ptr<FSRandomAccessFile>&& base, std::string path, Seam seam)
      : FSRandomAccessFileOwnerWrapper(std::move(base)), path_(std::move(path)), seam_(seam) {}
  IOStatus Read(uint64_t offset, size_t n, const IOOptions& o, Slice* result, char* scratch,
                IODebugContext* d) const override {
    PASS(seam_.Pass("read", path_));
    return FSRandomAccessFileOwnerWrapper::Read(offset, n, o, result, scratch, d);
  }
  // Calls Read above for each request.
  IOStatus MultiRead(rocksdb::FSReadRequest* requests, size_t count, const IOOptions& o,
                     IODebugContext* d) override {
    return FSRandomAccessFile::MultiRead(requests, count, o, d);
  }
  IOStatus Prefetch(uint64_t, size_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::NotSupported();
  }

 private:
  const std::string path_;
  const Seam seam_;
};

class PlaneWritableFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  PlaneWritableFile(std::unique_ptr<FSWritableFile>&& base, std::string path, Seam seam)
      : FSWritableFileOwnerWrapper(std::move(base)), path_(std::move(path)), seam_(seam) {}
  using FSWritableFileOwnerWrapper::Append;
  IOStatus Append(const Slice& data, const IOOptions& o, IODebugContext* d) override {
    bool half = false;
    const IOStatus passed = seam_.Pass("append", path_, &half);
    if (passed.ok()) return FSWritableFileOwnerWrapper::Append(data, o, d);
    if (half) PASS(FSWritableFileOwnerWrapper::Append(Slice(data.data(), data.size() / 2), o, d));
    return passed;
  }
  IOStatus Append(const Slice& data, const IOOptions& o, const rocksdb::DataVerificationInfo&,
                  IODebugContext* d) override {
    return Append(data, o, d);
  }
  IOStatus Truncate(uint64_t size, const IOOptions& o, IODebugContext* d) override {
    PASS(seam_.Pass("truncate", path_));
    return FSWritableFileOwnerWrapper::Truncate(size, o, d);
  }
  IOStatus Sync(const IOOptions& o, IODebugContext* d) override {
    const IOStatus passed = seam_.Pass("sync", path_);
    if (passed.ok()) return FSWritableFileOwnerWrapper::Sync(o, d);
    seam_.syncs.RecordFailure(path_);
    return passed;
  }
  IOStatus Fsync(const IOOptions& o, IODebugContext* d) override { return Sync(o, d); }
  IOStatus Close(const IOOptions& o, IODebugContext* d) override {
    PASS(seam_.Pass("close", path_));
    return FSWritableFileOwnerWrapper::Close(o, d);
  }

 private:
  const std::string path_;
  const Seam seam_;
};

class PlaneDirectory final : public rocksdb::FSDirectoryWrapper {
 public:
  PlaneDirectory(std::unique_ptr<FSDirectory>&& base, std::string path, Seam seam)
      : FSDirectoryWrapper(std::move(base)), path_(std::move(path)), seam_(seam) {}
  IOStatus Fsync(const IOOptions& o, IODebugContext* d) override {
    PASS(seam_.Pass("syncdir", path_));
    return FSDirectoryWrapper::Fsync(o, d);
  }
  IOStatus FsyncWithDirOptions(const IOOptions& o, IODebugContext* d,
                               const rocksdb::DirFsyncOptions&) override {
    return Fsync(o, d);
  }

 private:
  const std::string path_;
  const Seam seam_;
};

class PlaneIndexFs final : public rocksdb::FileSystemWrapper {
 public:
  PlaneIndexFs(std::shared_ptr<FileSystem> base, Seam seam)
      : FileSystemWrapper(std::move(base)), seam_(seam) {}
  const char* Name() const override { return "rawkv.PlaneIndexFs"; }

  IOStatus NewSequentialFile(const std::string& path, const FileOptions& o,
                             std::unique_ptr<rocksdb::FSSequentialFile>* file, IODebugContext* d) override {
    return Opened<PlaneSequentialFile>("open", path, file, [&](auto* base) {
      return FileSystemWrapper::NewSequentialFile(path, o, base, d);
    });
  }
  IOStatus NewRandomAccessFile(const std::string& path, const FileOptions& o,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                               IODebugContext* d) override {
    return Opened<PlaneRandomAccessFile>("open", path, file, [&](auto* base) {
      return FileSystemWrapper::NewRandomAccessFile(path, o, base, d);
    });
  }
  IOStatus NewWritableFile(const std::string& path, const FileOptions& o,
                           std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* d) override {
    return Opened<PlaneWritableFile>("create", path, file, [&](auto* base) {
      return FileSystemWrapper::NewWritableFile(path, o, base, d);
    });
  }
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions& o,
                              std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* d) override {
    return Opened<PlaneWritableFile>("create", path, file, [&](auto* base) {
      return FileSystemWrapper::ReopenWritableFile(path, o, base, d);
    });
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions& o,
                        std::unique_ptr<rocksdb::FSDirectory>* dir, IODebugContext* d) override {
    return Opened<PlaneDirectory>(
        "opendir", path, dir, [&](auto* base) { return FileSystemWrapper::NewDirectory(path, o, base, d); });
  }
  IOStatus FileExists(const std::string& path, const IOOptions& o, IODebugContext* d) override {
    PASS(seam_.Pass("exists", path));
    return FileSystemWrapper::FileExists(path, o, d);
  }
  IOStatus GetChildren(const std::string& path, const IOOptions& o, std::vector<std::string>* names,
                       IODebugContext* d) override {
    PASS(seam_.Pass("list", path));
    return FileSystemWrapper::GetChildren(path, o, names, d);
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions& o, IODebugContext* d) override {
    PASS(seam_.Pass("unlink", path));
    return FileSystemWrapper::DeleteFile(path, o, d);
  }
  IOStatus CreateDir(const std::string& path, const IOOptions& o, IODebugContext* d) override {
    PASS(seam_.Pass("mkdir", path));
    return FileSystemWrapper::CreateDir(path, o, d);
  }
  IOStatus CreateDirIfMissing(const std::string& path, const IOOptions& o, IODebugContext* d) override {
    PASS(seam_.Pass("mkdir", path));
    return FileSystemWrapper::CreateDirIfMissing(path, o, d);
  }
  IOStatus GetFileSize(const std::string& path, const IOOptions& o, uint64_t* size,
                       IODebugContext* d) override {
    PASS(seam_.Pass("size", path));
    return FileSystemWrapper::GetFileSize(path, o, size, d);
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& o,
                      IODebugContext* d) override {
    PASS(seam_.Pass("rename", to));
    return FileSystemWrapper::RenameFile(from, to, o, d);
  }
  IOStatus LockFile(const std::string& path, const IOOptions& o, rocksdb::FileLock** lock,
                    IODebugContext* d) override {
    PASS(seam_.Pass("lock", path));
    return FileSystemWrapper::LockFile(path, o, lock, d);
  }

 private:
  template <typename Plane, typename Interface, typename Open>
  IOStatus Opened(const char* operation, const std::string& path, std::unique_ptr<Interface>* file,
                  const Open& open) {
    PASS(seam_.Pass(operation, path));
    std::unique_ptr<Interface> base;
    PASS(open(&base));
    *file = std::make_unique<Plane>(std::move(base), path, seam_);
    return IOStatus::OK();
  }

  const Seam seam_;
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> MakeFaultIndexFs(std::shared_ptr<rocksdb::FileSystem> base,
                                                      FaultPlane& plane, FailedSyncs& syncs) {
  return std::make_shared<PlaneIndexFs>(std::move(base), Seam{plane, syncs});
}

}  // namespace rawkv
