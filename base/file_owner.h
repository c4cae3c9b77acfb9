#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace rawkv {

// The owner that new files must get when root makes them below a directory of another user's. Otherwise one
// command of root's would leave files behind that keep the owner out.
class FileOwner {
 public:
  // Of what lies below `dir`. Absent unless this process runs as root and `dir` belongs to another user.
  static std::optional<FileOwner> ToKeep(const std::string& dir);

  // Gives away the file, directory or link at `path` if it lies below the directory and belongs to root. A
  // file with a second name stays as it is: that name may lie elsewhere. Best effort, since some filesystems
  // let nobody give files away.
  void Give(const std::string& path) const;

 private:
  FileOwner(std::string dir, uid_t user, gid_t group);

  std::string prefix_;  // the directory's path with a slash
  uid_t user_;
  gid_t group_;
};

}  // namespace rawkv
