#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace rawkv {

// A filesystem of its own, small enough to be filled, mounted where only this process (and what it starts
// later) sees it. Unmounted when destroyed, and in any case when the process ends. Needs root.
class SmallFilesystem {
 public:
  // Must come before the process has a second thread, which would not see what is mounted later.
  static Status PrepareProcess();
  enum class Kind : uint8_t { kTmpfs, kExt4 };
  // `scratch` holds the mount point and, for ext4, the file behind it. kNotSupported with the cause where
  // it cannot be had: tests then skip with that message.
  static Result<std::unique_ptr<SmallFilesystem>> Mount(Kind kind, const std::string& scratch,
                                                        uint64_t mebibytes);
  ~SmallFilesystem();
  SmallFilesystem(const SmallFilesystem&) = delete;
  SmallFilesystem& operator=(const SmallFilesystem&) = delete;

  const std::string& path() const { return path_; }
  // Takes room with a file that belongs to somebody else until so many bytes are free, or none.
  Status FillTo(uint64_t free_bytes);
  void RemoveFill();
  Status SetReadOnly(bool read_only);

 private:
  explicit SmallFilesystem(std::string path) : path_(std::move(path)) {}
  std::string FillPath() const { return path_ + "/of-somebody-else"; }

  const std::string path_;
};

}  // namespace rawkv
