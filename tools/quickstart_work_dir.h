#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace rawkv::quickstart {

// A new directory below $TMPDIR (or /tmp), mode 0700, removed with all it holds when destroyed, unless
// kept.
class WorkDir {
 public:
  static Result<std::unique_ptr<WorkDir>> Make();
  ~WorkDir();
  WorkDir(const WorkDir&) = delete;
  WorkDir& operator=(const WorkDir&) = delete;

  const std::string& path() const { return path_; }
  std::string store() const { return path_ + "/store"; }
  void Keep() { keep_ = true; }
  // kNoSpace, saying what to do, unless its filesystem has that much room.
  Status RequireRoom(uint64_t bytes) const;

 private:
  explicit WorkDir(std::string path) : path_(std::move(path)) {}
  std::string path_;
  bool keep_ = false;
};

}  // namespace rawkv::quickstart
