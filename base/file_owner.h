#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace rawkv {

// The owner that new files must get if root makes them below another user's directory. Otherwise a command
// that root ran would leave files that this user cannot open.
class FileOwner {
 public:
  // The owner of `dir`. Absent unless this process runs as root and `dir` belongs to another user.
  static std::optional<FileOwner> ForDirectory(const std::string& dir);

  // Changes the owner of the file, directory or link at `path` if it is below the directory and belongs to
  // root. Skips a file with a second name, which may be elsewhere. Ignores errors, since some filesystems do
  // not support a change of owner.
  void ApplyTo(const std::string& path) const;

 private:
  FileOwner(std::string dir, uid_t user, gid_t group);

  std::string prefix_;  // path of the directory, with a slash at its end
  uid_t user_;
  gid_t group_;
};

}  // namespace rawkv
