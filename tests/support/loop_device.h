#pragma once

#include <string>

#include "base/result.h"

namespace rawkv {

// A loop device with 4 KiB sectors and direct I/O over a file, the closest to a disk that a test can have.
// The destructor detaches it. Needs root and util-linux.
class LoopDevice {
 public:
  // Returns kNotSupported with the reason if the machine cannot attach one: tests then skip with that
  // message.
  static Result<LoopDevice> Attach(const std::string& backing_path);
  ~LoopDevice();
  LoopDevice(LoopDevice&& other) noexcept;
  LoopDevice& operator=(LoopDevice&& other) noexcept;

  const std::string& path() const { return path_; }  // "/dev/loop7"

 private:
  explicit LoopDevice(std::string path) : path_(std::move(path)) {}
  void Detach();

  std::string path_;  // empty if nothing is attached
};

}  // namespace rawkv
