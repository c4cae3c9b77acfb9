#include "base/file_owner.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "base/unique_fd.h"

namespace rawkv {

std::optional<FileOwner> FileOwner::ForDirectory(const std::string& dir) {
  struct stat st {};
  if (::geteuid() != 0 || ::stat(dir.c_str(), &st) != 0 || st.st_uid == 0) return std::nullopt;
  return FileOwner(dir, st.st_uid, st.st_gid);
}

FileOwner::FileOwner(std::string dir, uid_t user, gid_t group)
    : prefix_(std::move(dir)), user_(user), group_(group) {
  if (!prefix_.ends_with('/')) prefix_.push_back('/');
}

void FileOwner::ApplyTo(const std::string& path) const {
  if (!path.starts_with(prefix_)) return;
  struct stat st {};
  if (::lstat(path.c_str(), &st) != 0 || st.st_uid != 0) return;
  if (S_ISLNK(st.st_mode)) {
    [[maybe_unused]] const int given = ::lchown(path.c_str(), user_, group_);
    return;
  }
  if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) return;
  // Uses a descriptor, since the owner of the directory may replace the file at any time.
  const UniqueFd fd = OpenUninterrupted(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (!fd.valid() || ::fstat(fd.get(), &st) != 0 || st.st_uid != 0) return;
  const bool only_name = S_ISDIR(st.st_mode) || (S_ISREG(st.st_mode) && st.st_nlink == 1);
  if (!only_name) return;
  [[maybe_unused]] const int given = ::fchown(fd.get(), user_, group_);
}

}  // namespace rawkv
