#include "tests/support/loop_device.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace rawkv {

namespace {

// Runs a command. Returns its output (both streams), or an error with the output if the command failed.
Result<std::string> Run(const std::string& command) {
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "re");
  if (pipe == nullptr) return Status::NotSupported(command + ": cannot be started");
  std::string output;
  std::array<char, 256> piece{};
  while (const size_t got = ::fread(piece.data(), 1, piece.size(), pipe)) output.append(piece.data(), got);
  const int status = ::pclose(pipe);
  while (!output.empty() && output.back() == '\n') output.pop_back();
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return Status::NotSupported(command + ": " + output);
  return output;
}

}  // namespace

Result<LoopDevice> LoopDevice::Attach(const std::string& backing_path) {
  if (::geteuid() != 0) return Status::NotSupported("a loop device needs root");
  RAWKV_ASSIGN_OR_RETURN(std::string path,
                         Run("losetup -f --show --direct-io=on --sector-size 4096 '" + backing_path + "'"));
  if (!path.starts_with("/dev/")) return Status::NotSupported("losetup printed: " + path);
  return LoopDevice(std::move(path));
}

LoopDevice::LoopDevice(LoopDevice&& other) noexcept : path_(std::exchange(other.path_, {})) {}

LoopDevice& LoopDevice::operator=(LoopDevice&& other) noexcept {
  if (this != &other) {
    Detach();
    path_ = std::exchange(other.path_, {});
  }
  return *this;
}

LoopDevice::~LoopDevice() {
  Detach();
}

void LoopDevice::Detach() {
  if (path_.empty()) return;
  if (const auto result = Run("losetup -d '" + path_ + "'"); !result.ok()) {
    fprintf(stderr, "loop device was not detached: %s\n", result.status().message().c_str());
  }
}

}  // namespace rawkv
