#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "base/file_owner.h"
#include "base/fs.h"
#include "base/unique_fd.h"

namespace rawkv {
namespace {

constexpr size_t kMaxTransferBytes = 1 << 30;  // below Linux' own limit for one call
constexpr size_t kZeroBytes = 1 << 20;
constexpr int kMaxRetries = 100;                  // one second in all
constexpr long kRetryPauseNs = 10 * 1000 * 1000;  // 10 ms
constexpr size_t kMaxLinkBytes = 64 * 1024;       // far above PATH_MAX
constexpr int kLockAttempts = 10;

std::string DescribeCall(std::string_view operation, const std::string& path) {
  return std::string(operation) + " " + path;
}

std::string DescribeCall(std::string_view operation, const std::string& from, const std::string& to) {
  return DescribeCall(operation, from) + " -> " + to;
}

// FromErrno, and the codes that fs.h promises for paths.
Status PathError(int error, const std::string& what) {
  if (error == EEXIST || error == ENOTEMPTY) {
    return Status::FailedPrecondition(what + ": " + std::strerror(error));
  }
  if (error == ELOOP) return Status::IoError(what + ": is a symbolic link, or contains a loop of them");
  return Status::FromErrno(error, what);
}

Status PathStatus(int returned, const std::string& what) {
  return returned == 0 ? Status::Ok() : PathError(errno, what);
}

// Never returns kNoSpace, which would mean that nothing was lost. The caller never repeats a sync, not even
// after EINTR: after a failure the kernel may have dropped the pages, and a second sync would succeed
// (invariant 10).
Status SyncStatus(int returned, std::string_view operation, const std::string& path) {
  if (returned == 0) return {};
  return Status::IoError(DescribeCall(operation, path) + ": " + std::strerror(errno));
}

// Whether the transfer that just failed with errno may be tried again.
bool ShouldRetry(int* retries) {
  if (errno != EINTR && errno != EAGAIN) return false;
  if (++*retries > kMaxRetries) return false;
  if (errno == EAGAIN) {
    const timespec pause{.tv_sec = 0, .tv_nsec = kRetryPauseNs};
    ::nanosleep(&pause, nullptr);
    errno = EAGAIN;
  }
  return true;
}

class PosixFile final : public File {
 public:
  PosixFile(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Result<size_t> ReadAt(uint64_t offset, Bytes out) override {
    size_t done = 0;
    for (int retries = 0; done < out.size();) {
      const size_t wanted = std::min(out.size() - done, kMaxTransferBytes);
      const ssize_t got = ::pread(fd_.get(), out.data() + done, wanted, static_cast<off_t>(offset + done));
      if (got == 0) break;
      if (got > 0) {
        done += static_cast<size_t>(got);
        retries = 0;
      } else if (!ShouldRetry(&retries)) {
        return Status::FromErrno(errno, At("read", offset + done));
      }
    }
    return done;
  }

  Status WriteAt(uint64_t offset, ConstBytes bytes) override {
    size_t done = 0;
    for (int retries = 0; done < bytes.size();) {
      const size_t wanted = std::min(bytes.size() - done, kMaxTransferBytes);
      const ssize_t put = ::pwrite(fd_.get(), bytes.data() + done, wanted, static_cast<off_t>(offset + done));
      if (put > 0) {
        done += static_cast<size_t>(put);
        retries = 0;
        continue;
      }
      if (put == 0) errno = EAGAIN;  // no progress without an error: the same limit of retries applies
      if (!ShouldRetry(&retries)) return Status::FromErrno(errno, At("write", offset + done));
    }
    return {};
  }

  // Not fallocate: it makes unwritten extents, and each later sync would then also commit metadata.
  Status ZeroFill(uint64_t offset, uint64_t length) override {
    static const auto& zeros = *new std::vector<std::byte>(kZeroBytes);
    for (uint64_t done = 0; done < length;) {
      const size_t step = static_cast<size_t>(std::min<uint64_t>(length - done, zeros.size()));
      RAWKV_RETURN_IF_ERROR(WriteAt(offset + done, ConstBytes(zeros).first(step)));
      done += step;
    }
    return {};
  }

  Status Truncate(uint64_t size) override {
    int returned = 0;
    do {
      returned = ::ftruncate(fd_.get(), static_cast<off_t>(size));
    } while (returned != 0 && errno == EINTR);
    return PathStatus(returned, DescribeCall("truncate", path_));
  }

  Result<uint64_t> Size() override {
    struct stat st {};
    if (::fstat(fd_.get(), &st) != 0) return PathError(errno, DescribeCall("stat", path_));
    return static_cast<uint64_t>(st.st_size);
  }

  Status Sync() override { return SyncStatus(::fdatasync(fd_.get()), "sync", path_); }

 private:
  std::string At(std::string_view operation, uint64_t offset) const {
    return DescribeCall(operation, path_) + " at offset " + std::to_string(offset);
  }

  const UniqueFd fd_;
  const std::string path_;
};

struct flock WholeFile(short type) {
  struct flock range {};
  range.l_type = type;
  range.l_whence = SEEK_SET;
  return range;
}

// The holder of a flock also takes an OFD lock, which excludes nobody here: other than a flock, it can be
// asked for without taking it. A filesystem that refuses it only hides the holder from IsLocked.
void ShowLocked(int fd, short type) {
  struct flock range = WholeFile(type);
  [[maybe_unused]] const int ignored = ::fcntl(fd, F_OFD_SETLK, &range);
}

class PosixFileLock final : public FileLock {
 public:
  PosixFileLock(UniqueFd fd, bool read_only) : fd_(std::move(fd)), read_only_(read_only) {}
  // Unlocks explicitly, since a forked child may have a copy of the descriptor, which would keep the lock.
  // Such a child does not unlock, since that would release its parent's lock.
  ~PosixFileLock() override {
    if (::getpid() != holder_) return;
    ShowLocked(fd_.get(), F_UNLCK);
    ::flock(fd_.get(), LOCK_UN);
  }
  bool read_only() const override { return read_only_; }

 private:
  const UniqueFd fd_;
  const bool read_only_;
  const pid_t holder_ = ::getpid();
};

FileKind KindOf(mode_t mode) {
  if (S_ISREG(mode)) return FileKind::kRegular;
  if (S_ISDIR(mode)) return FileKind::kDirectory;
  if (S_ISLNK(mode)) return FileKind::kSymlink;
  return FileKind::kOther;
}

int OpenFlags(OpenMode mode) {
  switch (mode) {
    case OpenMode::kRead:
      return O_RDONLY;
    case OpenMode::kReadWrite:
      return O_RDWR;
    case OpenMode::kCreate:
      return O_RDWR | O_CREAT;
    case OpenMode::kCreateNew:
      return O_RDWR | O_CREAT | O_EXCL;
  }
  return O_RDONLY;
}

UniqueFd OpenFd(const std::string& path, int flags) {
  return OpenUninterrupted(path, flags | O_NOFOLLOW, 0600);
}

Result<UniqueFd> OpenDir(const std::string& path, std::string_view operation) {
  UniqueFd fd = OpenFd(path, O_RDONLY | O_DIRECTORY);
  if (!fd.valid() && errno == ENOTDIR) {
    return Status::IoError(DescribeCall(operation, path) +
                           ": not a directory (symbolic links are not followed)");
  }
  if (!fd.valid()) return PathError(errno, DescribeCall(operation, path));
  return fd;
}

// Whether `path` still names the file that `fd` has open.
bool StillNamed(int fd, const std::string& path) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(fd, &opened) == 0 && ::lstat(path.c_str(), &named) == 0 && opened.st_dev == named.st_dev &&
         opened.st_ino == named.st_ino;
}

class PosixFsImpl final : public Fs {
 public:
  PosixFsImpl() = default;
  explicit PosixFsImpl(FileOwner owner) : owner_(std::move(owner)) {}

  std::unique_ptr<Fs> ForOwnerOf(const std::string& dir) override {
    std::optional<FileOwner> owner = FileOwner::ForDirectory(dir);
    if (!owner) return nullptr;
    return std::make_unique<PosixFsImpl>(*std::move(owner));
  }

  Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override {
    // Without O_NONBLOCK the open of a FIFO could block for ever. Regular files ignore the flag.
    UniqueFd fd = OpenFd(path, OpenFlags(mode) | O_NONBLOCK | O_NOCTTY);
    if (!fd.valid()) return PathError(errno, DescribeCall("open", path));
    struct stat st {};
    if (::fstat(fd.get(), &st) != 0) return PathError(errno, DescribeCall("stat", path));
    if (S_ISDIR(st.st_mode) || S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)) {
      return Status::IoError(DescribeCall("open", path) + ": is not a file");
    }
    if (mode == OpenMode::kCreate || mode == OpenMode::kCreateNew) SetOwner(path);
    return std::unique_ptr<File>(std::make_unique<PosixFile>(std::move(fd), path));
  }

  Result<FileStat> Stat(const std::string& path) override {
    struct stat st {};
    // ENOTDIR: a component above is a file, so the path does not exist.
    if (::lstat(path.c_str(), &st) != 0)
      return PathError(errno == ENOTDIR ? ENOENT : errno, DescribeCall("stat", path));
    return FileStat{.kind = KindOf(st.st_mode),
                    .size_bytes = static_cast<uint64_t>(st.st_size),
                    .id = {.filesystem = st.st_dev, .inode = st.st_ino}};
  }

  Result<std::vector<std::string>> List(const std::string& dir) override {
    RAWKV_ASSIGN_OR_RETURN(UniqueFd fd, OpenDir(dir, "list"));
    const int stream_fd = ::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0);  // the stream closes its descriptor
    if (stream_fd < 0) return PathError(errno, DescribeCall("list", dir));
    const auto close = [](DIR* stream) { ::closedir(stream); };
    const std::unique_ptr<DIR, decltype(close)> stream(::fdopendir(stream_fd), close);
    if (stream == nullptr) {
      const int error = errno;
      ::close(stream_fd);
      return PathError(error, DescribeCall("list", dir));
    }
    std::vector<std::string> names;
    for (;;) {
      errno = 0;
      const dirent* entry = ::readdir(stream.get());
      if (entry == nullptr) break;
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) return PathError(errno, DescribeCall("list", dir));
    std::sort(names.begin(), names.end());
    return names;
  }

  Status MakeDir(const std::string& path) override {
    const Status made = PathStatus(::mkdir(path.c_str(), 0700), DescribeCall("mkdir", path));
    if (made.ok()) SetOwner(path);
    return made;
  }

  Status RemoveFile(const std::string& path) override {
    return PathStatus(::unlink(path.c_str()), DescribeCall("unlink", path));
  }

  Status RemoveDir(const std::string& path) override {
    return PathStatus(::rmdir(path.c_str()), DescribeCall("rmdir", path));
  }

  Status Rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) == 0) return {};
    const std::string what = DescribeCall("rename", from, to);
    if (errno == EXDEV) return Status::NotSupported(what + ": " + std::strerror(errno));
    return PathError(errno, what);
  }

  Status Link(const std::string& from, const std::string& to) override {
    if (::link(from.c_str(), to.c_str()) == 0) return {};
    const int error = errno;
    const std::string what = DescribeCall("link", from, to);
    if (error == EMLINK) {
      return Status::FailedPrecondition(what + ": " + std::strerror(error) +
                                        "; the file has as many names as its filesystem allows");
    }
    if (error == EXDEV || error == EPERM || error == EOPNOTSUPP) {
      return Status::NotSupported(what + ": " + std::strerror(error) +
                                  "; both must be on one filesystem that has hard links");
    }
    return PathError(error, what);
  }

  Status Symlink(const std::string& target, const std::string& path) override {
    const Status made =
        PathStatus(::symlink(target.c_str(), path.c_str()), DescribeCall("symlink", path, target));
    if (made.ok()) SetOwner(path);
    return made;
  }

  Result<std::string> ReadLink(const std::string& path) override {
    for (std::string target(256, '\0'); target.size() <= kMaxLinkBytes; target.resize(2 * target.size())) {
      const ssize_t length = ::readlink(path.c_str(), target.data(), target.size());
      if (length < 0) {
        const std::string what = DescribeCall("readlink", path);
        return errno == EINVAL ? Status::IoError(what + ": not a symbolic link") : PathError(errno, what);
      }
      if (static_cast<size_t>(length) == target.size()) continue;  // may be truncated
      target.resize(static_cast<size_t>(length));
      return target;
    }
    return Status::IoError(DescribeCall("readlink", path) + ": target too long");
  }

  Status SyncDir(const std::string& dir) override {
    RAWKV_ASSIGN_OR_RETURN(const UniqueFd fd, OpenDir(dir, "syncdir"));
    return SyncStatus(::fsync(fd.get()), "syncdir", dir);
  }

  // Uses flock, not fcntl: flock excludes a second open in this process, and a close of another descriptor of
  // the file does not release it. Does not change the content of the file.
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    for (int attempt = 0; attempt < kLockAttempts; ++attempt) {
      UniqueFd fd = OpenFd(path, O_RDWR | O_CREAT | O_NONBLOCK | O_NOCTTY);
      // A file that can only be opened for reading can be locked all the same.
      const bool read_only = !fd.valid() && (errno == EROFS || errno == EACCES);
      if (read_only) fd = OpenFd(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
      if (!fd.valid()) return PathError(errno, DescribeCall("lock", path));
      int returned = 0;
      do {
        returned = ::flock(fd.get(), LOCK_EX | LOCK_NB);
      } while (returned != 0 && errno == EINTR);
      if (returned != 0 && errno == EWOULDBLOCK) {
        return Status::Busy(DescribeCall("lock", path) + ": held by someone else");
      }
      if (returned != 0) return PathError(errno, DescribeCall("lock", path));
      // Between open and flock the former holder may have removed the file (the sweep of leases does). A lock
      // on a file without a name excludes nobody.
      if (StillNamed(fd.get(), path)) {
        SetOwner(path);
        ShowLocked(fd.get(), read_only ? F_RDLCK : F_WRLCK);
        return std::unique_ptr<FileLock>(std::make_unique<PosixFileLock>(std::move(fd), read_only));
      }
    }
    return Status::Busy(DescribeCall("lock", path) + ": keeps being replaced; try again");
  }

  Result<bool> IsLocked(const std::string& path) override {
    const UniqueFd fd = OpenFd(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!fd.valid() && errno == ENOENT) return false;
    struct flock range = WholeFile(F_WRLCK);
    if (!fd.valid() || ::fcntl(fd.get(), F_OFD_GETLK, &range) != 0) {
      return PathError(errno, DescribeCall("query the lock of", path));
    }
    return range.l_type != F_UNLCK;
  }

  Result<FsSpace> Space(const std::string& path) override {
    struct statvfs st {};
    if (::statvfs(path.c_str(), &st) != 0) return PathError(errno, DescribeCall("statvfs", path));
    return FsSpace{.free_bytes = static_cast<uint64_t>(st.f_bavail) * st.f_frsize,
                   .total_bytes = static_cast<uint64_t>(st.f_blocks) * st.f_frsize,
                   .read_only = (st.f_flag & ST_RDONLY) != 0};
  }

 private:
  void SetOwner(const std::string& path) const {
    if (owner_) owner_->ApplyTo(path);
  }

  const std::optional<FileOwner> owner_;
};

}  // namespace

Fs& PosixFs() {
  static Fs& fs = *new PosixFsImpl;
  return fs;
}

}  // namespace rawkv
