#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace rawkv {

// A filesystem that is small enough to be filled. Only this process and its later children see the mount. The
// destructor unmounts it, and so does the end of the process. Needs root.
class SmallFilesystem {
 public:
  // Must be called before the process starts a second thread, which would not see later mounts.
  static Status PrepareProcess();
  enum class Kind : uint8_t { kTmpfs, kExt4 };
  // `scratch` holds the mount point and, for ext4, the file of the filesystem. Returns kNotSupported with the
  // reason if the machine cannot mount it: tests then skip with that message.
  static Result<std::unique_ptr<SmallFilesystem>> Mount(Kind kind, const std::string& scratch,
                                                        uint64_t mebibytes);
  ~SmallFilesystem();
  SmallFilesystem(const SmallFilesystem&) = delete;
  SmallFilesystem& operator=(const SmallFilesystem&) = delete;

  const std::string& path() const { return path_; }
  // Writes a file of another program until `free_bytes` are free (0: until nothing fits).
  Status FillTo(uint64_t free_bytes);
  void RemoveFill();
  Status SetReadOnly(bool read_only);

 private:
  explicit SmallFilesystem(std::string path) : path_(std::move(path)) {}
  std::string FillPath() const { return path_ + "/of-somebody-else"; }

  const std::string path_;
};

}  // namespace rawkv
