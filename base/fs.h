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

// An open file. Several threads may read while one writes. After a failed Sync the caller must treat the
// file's unsynced content as lost (invariant 10).
class RAWKV_EXPORT File {
 public:
  virtual ~File() = default;
  // Reads out.size() bytes, or fewer at the end of the file, and returns the count. Retries EINTR and short
  // reads.
  virtual Result<size_t> ReadAt(uint64_t offset, Bytes out) = 0;
  // Writes all bytes, and extends the file if needed. After an error any part may have been written.
  virtual Status WriteAt(uint64_t offset, ConstBytes bytes) = 0;
  // Writes zeros as allocated blocks, not as a hole. After an error any part may have been written.
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
  // True if the file is locked but cannot be written: it is on a read-only filesystem, or its user may only
  // read it.
  virtual bool read_only() const { return false; }
};

enum class FileKind : uint8_t { kRegular, kDirectory, kSymlink, kOther };

// Identifies a file independently of its name: two names with equal, known ids name the same file.
struct FileId {
  uint64_t filesystem = 0;
  uint64_t inode = 0;  // 0 if the id is not known
  bool known() const { return inode != 0; }
  friend bool operator==(const FileId&, const FileId&) = default;
};

struct FileStat {
  FileKind kind = FileKind::kOther;
  uint64_t size_bytes = 0;
  FileId id{};
};

// Space on the filesystem of a path, as available to a user without privileges.
struct FsSpace {
  uint64_t free_bytes = 0;
  uint64_t total_bytes = 0;
  bool read_only = false;  // mounted read-only
};

enum class OpenMode : uint8_t {
  kRead,       // must exist
  kReadWrite,  // must exist
  kCreate,     // read-write, made if absent (mode 0600)
  kCreateNew,  // read-write, must not exist (mode 0600)
};

// The filesystem. It is a parameter of its users, so that a test can replace it by one that crashes, tears
// writes or is full. Paths reach the operating system unchanged. All methods are thread-safe.
// Errors: kNotFound if a path is missing, kNoSpace, kFailedPrecondition if a path exists that must not exist,
// otherwise kIoError. Each names the operation and the path. A failed sync is always kIoError, never
// kNoSpace. Only Space follows a symlink in the last component of a path.
class RAWKV_EXPORT Fs {
 public:
  virtual ~Fs() = default;
  virtual Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) = 0;
  virtual Result<FileStat> Stat(const std::string& path) = 0;                 // does not follow links
  virtual Result<std::vector<std::string>> List(const std::string& dir) = 0;  // names, sorted
  virtual Status MakeDir(const std::string& path) = 0;     // 0700; kFailedPrecondition if it exists
  virtual Status RemoveFile(const std::string& path) = 0;  // file or symlink
  virtual Status RemoveDir(const std::string& path) = 0;   // empty directory
  // Renames atomically, and replaces a file, a symlink or an empty directory at `to`. kNotSupported if the
  // filesystem cannot rename `from` (EXDEV: a directory from the lower layer of an overlay, or a mount
  // point).
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  // Makes the hard link `to`. kFailedPrecondition if `to` exists or `from` has as many names as the
  // filesystem allows; kNotSupported if the filesystem cannot link the two.
  virtual Status Link(const std::string& from, const std::string& to) = 0;
  virtual Status Symlink(const std::string& target, const std::string& path) = 0;
  virtual Result<std::string> ReadLink(const std::string& path) = 0;
  // Makes the directory's entries durable.
  virtual Status SyncDir(const std::string& dir) = 0;
  // Takes an exclusive advisory lock on `path`, without waiting. Makes the file if it is absent. The lock
  // excludes other callers in this process, too. kBusy if another caller holds it.
  virtual Result<std::unique_ptr<FileLock>> Lock(const std::string& path) = 0;
  // Whether somebody holds the lock on `path`. Takes no lock, so it never makes another caller's Lock fail.
  // For information only: some network filesystems do not show it. False if the file is absent.
  virtual Result<bool> IsLocked(const std::string& path) = 0;
  virtual Result<FsSpace> Space(const std::string& path) = 0;
  // For a process that runs as root: returns this filesystem in a form that gives every file that it makes
  // below `dir` to the owner of `dir`. Null if the owner of new files is right already.
  virtual std::unique_ptr<Fs> ForOwnerOf(const std::string& /*dir*/) { return nullptr; }
};

// The operating system's filesystem. Lives as long as the process.
RAWKV_EXPORT Fs& PosixFs();

}  // namespace rawkv
