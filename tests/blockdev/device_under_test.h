#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "blockdev/io_seams.h"
#include "blockdev/open_block_device.h"
#include "tests/support/loop_device.h"
#include "tests/support/temp_dir.h"

namespace rawkv {

enum class Backing { kFile, kLoop, kNvme };

// One kind of device with one engine and cache mode. The suites run with all of them.
struct DeviceCase {
  Backing backing = Backing::kFile;
  IoEngine engine = IoEngine::kPosix;
  CacheMode cache = CacheMode::kDirect;
};

inline std::string NameOf(const DeviceCase& c) {
  if (c.engine == IoEngine::kNvme) return "Nvme";
  return std::string(c.backing == Backing::kFile ? "File" : "Loop") +
         (c.engine == IoEngine::kPosix ? "Posix" : "IoUring") +
         (c.cache == CacheMode::kDirect ? "Direct" : "Buffered");
}

inline std::vector<DeviceCase> AllDeviceCases() {
  std::vector<DeviceCase> out;
  for (const Backing backing : {Backing::kFile, Backing::kLoop}) {
    for (const IoEngine engine : {IoEngine::kPosix, IoEngine::kIoUring}) {
      for (const CacheMode cache : {CacheMode::kDirect, CacheMode::kBuffered}) {
        out.push_back({backing, engine, cache});
      }
    }
  }
  return out;
}

// The engine nvme on the drive that the environment variable RAWKV_TEST_NVME names. Its content is lost.
inline DeviceCase NvmeDeviceCase() {
  return {.backing = Backing::kNvme, .engine = IoEngine::kNvme};
}

// Skips a test with the cause if loop devices, io_uring or an NVMe drive are not available.
class DeviceSuite : public testing::TestWithParam<DeviceCase> {
 protected:
  static constexpr uint64_t kCapacity = 40 << 20;

  void SetUp() override {
    if (GetParam().backing == Backing::kNvme) {
      const char* const node = std::getenv("RAWKV_TEST_NVME");
      if (node == nullptr) GTEST_SKIP() << "RAWKV_TEST_NVME names no NVMe character device (tests/nvme/run)";
      path_ = node;
      return;
    }
    const std::string file = dir_.File("device.img");
    const Status made = CreateDeviceFile(file, kCapacity);
    ASSERT_TRUE(made.ok()) << made.ToString();
    path_ = file;
    if (GetParam().backing == Backing::kLoop) {
      Result<LoopDevice> loop = LoopDevice::Attach(file);
      if (!loop.ok()) GTEST_SKIP() << loop.status().message();
      loop_ = *std::move(loop);
      path_ = loop_->path();
    }
    if (GetParam().engine == IoEngine::kIoUring) {
      const auto ring = MakeIoUringRing(0, 1);
      if (!ring.ok()) GTEST_SKIP() << ring.status().message();
    }
  }

  Result<OpenedDevice> Open(uint32_t queue_depth = 64, IoSeams seams = {}) {
    return OpenBlockDevice(
        path_, {.engine = GetParam().engine, .cache = GetParam().cache, .queue_depth = queue_depth},
        std::move(seams));
  }

  const std::string& path() const { return path_; }

 private:
  TempDir dir_;  // outlives the loop device
  std::optional<LoopDevice> loop_;
  std::string path_;
};

}  // namespace rawkv
