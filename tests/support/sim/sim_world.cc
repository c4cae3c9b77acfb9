#include "tests/support/sim/sim_world.h"

#include "tests/support/sim/sim_device.h"
#include "tests/support/split_mix.h"

namespace rawkv {

uint64_t SimWorld::SeededEntropy::NextU64() {
  return SplitMix64(state_.fetch_add(kSplitMixStep) + kSplitMixStep);
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
