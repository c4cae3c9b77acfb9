#include "tests/support/sim/sim_world.h"

#include "tests/support/sim/sim_device.h"
#include "tests/support/sim/sim_index_fs.h"

namespace rawkv {

uint64_t SimWorld::SeededEntropy::NextU64() {
  // SplitMix64.
  uint64_t z = state_.fetch_add(0x9e3779b97f4a7c15) + 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

void SimWorld::Notes::Log(LogLevel level, std::string_view message) {
  MutexLock lock(mu_);
  text_ += level == LogLevel::kInfo ? "  info: " : level == LogLevel::kWarning ? "  warning: " : "  error: ";
  text_ += message;
  text_ += '\n';
}

std::string SimWorld::Notes::Text() const {
  MutexLock lock(mu_);
  return text_;
}

SimWorld::SimWorld(DiskImage image, uint64_t seed) : disk_(std::move(image)), fs_(disk_), entropy_(seed) {
  env_.fs = &fs_;
  env_.clock = &clock_;
  env_.entropy = &entropy_;
  env_.logger = &logger_;
  env_.index_fs = MakeSimIndexFs(disk_);
  env_.open_device = [this](const std::string& path, const DeviceOpenOptions& options) {
    return OpenSimDevice(disk_, path, options);
  };
  env_.create_device = [this](const std::string& path, uint64_t bytes) -> Status {
    disk_.AddDevice(path, bytes);
    return {};
  };
}

}  // namespace rawkv
