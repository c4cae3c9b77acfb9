#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/export.h"
#include "base/result.h"

namespace rawkv {

// An open file. Reads may run from several threads beside one writer. After a failed Sync the
// caller must treat the file's unsynced content as lost (invariant 10).
class RAWKV_EXPORT File {
 public:
  virtual ~File() = default;
  // Reads up to out.size() bytes; fewer only at the end of the file. Retries EINTR and short reads.
  virtual Result<size_t> ReadAt(uint64_t offset, Bytes out) = 0;
  // Writes all bytes, extending the file where needed. On error any part may have been written.
  virtual Status WriteAt(uint64_t offset, ConstBytes bytes) = 0;
  // Writes zeros (real blocks, not a hole). On kNoSpace any part may have been written.
  virtual Status ZeroFill(uint64_t offset, uint64_t length) = 0;
  virtual Status Truncate(uint64_t size) = 0;
  virtual Result<uint64_t> Size() = 0;
  // Makes content and size durable (fdatasync). The directory entry needs Fs::SyncDir.
  virtual Status Sync() = 0;
};

// A held lock; released when destroyed.
class RAWKV_EXPORT FileLock {
 public:
  virtual ~FileLock() = default;
  // The file lies on media that is read-only: it is locked, and cannot be written.
  virtual bool read_only() const { return false; }
};

enum class FileKind : uint8_t { kRegular, kDirectory, kSymlink, kOther };

// A file whatever its name: names with equal ids, both known, are names of one file.
struct FileId {
  uint64_t filesystem = 0;
  uint64_t inode = 0;  // 0: not known
  bool known() const { return inode != 0; }
  friend bool operator==(const FileId&, const FileId&) = default;
};

struct FileStat {
  FileKind kind = FileKind::kOther;
  uint64_t size_bytes = 0;
  FileId id{};
};

// Room on the filesystem of a path, for a user without privileges.
struct FsSpace {
  uint64_t free_bytes = 0;
  uint64_t total_bytes = 0;
};

enum class OpenMode : uint8_t {
  kRead,       // must exist
  kReadWrite,  // must exist
  kCreate,     // read-write, made if absent (mode 0600)
  kCreateNew,  // read-write, must not exist (mode 0600)
};

// The filesystem as a parameter, so that a test can crash, tear and fill it. Paths are passed to
// the system as given. All methods are thread-safe. Errors: kNotFound where a path is missing,
// kNoSpace, kFailedPrecondition where something exists that must not, otherwise kIoError; each
// names the operation and the path. A failed sync is always kIoError, never kNoSpace. No method but
// Space follows a symlink in the last component (`current` is always resolved by ReadLink).
class RAWKV_EXPORT Fs {
 public:
  virtual ~Fs() = default;
  virtual Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) = 0;
  virtual Result<FileStat> Stat(const std::string& path) = 0;                 // does not follow links
  virtual Result<std::vector<std::string>> List(const std::string& dir) = 0;  // names, sorted
  virtual Status MakeDir(const std::string& path) = 0;     // 0700; kFailedPrecondition if it exists
  virtual Status RemoveFile(const std::string& path) = 0;  // file or symlink
  virtual Status RemoveDir(const std::string& path) = 0;   // empty directory
  // Atomic; replaces a file, a symlink or an empty directory at `to`. kNotSupported where the filesystem
  // cannot rename this one (EXDEV: a directory from the lower layer of an overlay, a mount point).
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  // Hard link. kFailedPrecondition where `to` exists or `from` has as many names as the filesystem allows;
  // kNotSupported where the two cannot be linked.
  virtual Status Link(const std::string& from, const std::string& to) = 0;
  virtual Status Symlink(const std::string& target, const std::string& path) = 0;
  virtual Result<std::string> ReadLink(const std::string& path) = 0;
  // Makes the directory's entries durable.
  virtual Status SyncDir(const std::string& dir) = 0;
  // Takes an exclusive advisory lock on `path` (made if absent), without waiting. It excludes other
  // openers in this process too. kBusy if someone else holds it.
  virtual Result<std::unique_ptr<FileLock>> Lock(const std::string& path) = 0;
  virtual Result<FsSpace> Space(const std::string& path) = 0;
  // The same filesystem, which gives what it makes below `dir` to the owner of `dir`; for a process that
  // runs as root. Null where nothing has to be given away.
  virtual std::unique_ptr<Fs> ForOwnerOf(const std::string& /*dir*/) { return nullptr; }
};

// The operating system's filesystem. Lives as long as the process.
RAWKV_EXPORT Fs& PosixFs();

}  // namespace rawkv
