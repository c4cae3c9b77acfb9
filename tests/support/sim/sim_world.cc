#include "tests/support/sim/sim_world.h"

#include "tests/support/sim/sim_device.h"

namespace rawkv {

uint64_t SimWorld::SeededEntropy::NextU64() {
  // SplitMix64.
  uint64_t z = state_.fetch_add(0x9e3779b97f4a7c15) + 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

void SimWorld::LogCollector::Log(LogLevel level, std::string_view message) {
  MutexLock lock(mu_);
  text_ += level == LogLevel::kInfo ? "  info: " : level == LogLevel::kWarning ? "  warning: " : "  error: ";
  text_ += message;
  text_ += '\n';
}

std::string SimWorld::LogCollector::Text() const {
  MutexLock lock(mu_);
  return text_;
}

SimWorld::SimWorld(DiskImage image, uint64_t seed, OptionsFiles options_files)
    : options_files_(options_files), disk_(std::move(image)), entropy_(seed) {
  Restart();
}

void SimWorld::Restart() {
  const SimDisk::Process id = disk_.Start();
  auto process = std::make_unique<Process>();
  process->fs = std::make_unique<SimFs>(disk_, id);
  Environment& env = process->env;
  env.fs = process->fs.get();
  env.clock = &clock_;
  env.entropy = &entropy_;
  env.logger = &logger_;
  env.index_fs = MakeSimIndexFs(disk_, id, options_files_);
  env.open_device = [this, id](const std::string& path, const DeviceOpenOptions&) {
    return OpenSimDevice(disk_, id, path);
  };
  env.create_device = [this](const std::string& path, uint64_t bytes) -> Status {
    disk_.AddDevice(path, bytes);
    return {};
  };
  processes_.push_back(std::move(process));
}

}  // namespace rawkv
