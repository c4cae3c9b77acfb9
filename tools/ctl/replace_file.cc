#include "tools/ctl/replace_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/fs_ops.h"
#include "base/resolve_path.h"
#include "base/unique_fd.h"

namespace rawkv::ctl {
namespace {

Status Failed(std::string_view what, const std::string& path, int error) {
  const std::string message = fmt::format("{}: {}: {}", path, what, std::strerror(error));
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) return Status::NoSpace(message);
  if (error == ENOENT || error == ENOTDIR || error == EISDIR) return Status::InvalidArgument(message);
  return Status::IoError(message);
}

// The path with its symlinks resolved, or `path` itself if the target is absent: a dangling link is replaced.
std::string ResolveLinks(const std::string& path) {
  const std::unique_ptr<char, decltype(&::free)> resolved(::realpath(path.c_str(), nullptr), &::free);
  return resolved == nullptr ? path : std::string(resolved.get());
}

Status WriteAndSync(int fd, const std::string& path, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failed("writing failed", path, errno);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  // Pipes and terminals cannot be synced.
  if (::fsync(fd) != 0 && errno != EINVAL && errno != EROFS) return Failed("sync failed", path, errno);
  return Status::Ok();
}

Status WriteInPlace(const std::string& path, std::string_view bytes) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid()) return Failed("cannot be opened for writing", path, errno);
  return WriteAndSync(fd.get(), path, bytes);
}

}  // namespace

Status ReplaceFile(const std::string& path, std::string_view bytes) {
  const std::string target = ResolveLinks(path);
  struct stat existing {};
  if (::stat(target.c_str(), &existing) == 0 && !S_ISREG(existing.st_mode)) {
    if (S_ISDIR(existing.st_mode)) return Failed("cannot be written", path, EISDIR);
    return WriteInPlace(target, bytes);
  }
  const std::string temporary = fmt::format("{}.{}.tmp", target, ::getpid());
  // 0666 less the umask, as for a shell redirection.
  const UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!fd.valid()) return Failed("cannot be made", temporary, errno);
  Status status = WriteAndSync(fd.get(), temporary, bytes);
  if (status.ok() && ::rename(temporary.c_str(), target.c_str()) != 0) {
    status = Failed("cannot be replaced", path, errno);
  }
  if (!status.ok()) {
    ::unlink(temporary.c_str());
    return status;
  }
  return PosixFs().SyncDir(ResolvePath(PosixFs(), ParentPath(target)));
}

}  // namespace rawkv::ctl
