#pragma once

#include <string>

#include "base/result.h"

namespace rawkv {

// A loop device with 4 KiB sectors and direct I/O over a file: the nearest thing to a disk that a test
// can have. Detached when destroyed. Needs root and util-linux.
class LoopDevice {
 public:
  // kNotSupported with the cause where it cannot be had: tests then skip with that message.
  static Result<LoopDevice> Attach(const std::string& backing_path);
  ~LoopDevice();
  LoopDevice(LoopDevice&& other) noexcept;
  LoopDevice& operator=(LoopDevice&& other) noexcept;

  const std::string& path() const { return path_; }  // "/dev/loop7"

 private:
  explicit LoopDevice(std::string path) : path_(std::move(path)) {}
  void Detach();

  std::string path_;  // empty: nothing to detach
};

}  // namespace rawkv
