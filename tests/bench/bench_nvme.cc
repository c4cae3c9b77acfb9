#include <sys/resource.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "blockdev/nvme_node.h"
#include "blockdev/open_block_device.h"
#include "tests/bench/bench_store.h"

namespace rawkv::bench {
namespace {

constexpr uint64_t kSpanBytes = 48 << 20;  // of the drive
constexpr int kRounds = 9;

// One kind of work on an open device, in operations.
struct Work {
  const char* name;
  IoKind kind;
  uint64_t bytes;
  size_t depth;  // requests of a batch; 1: a plain call
  bool flush;    // after each operation
  int operations;
};
constexpr std::array<Work, 8> kWorks = {{
    {"read 4 KiB, depth 1", IoKind::kRead, 4 << 10, 1, false, 400},
    {"read 4 KiB, depth 32", IoKind::kRead, 4 << 10, 32, false, 1600},
    {"read 256 KiB, depth 1", IoKind::kRead, 256 << 10, 1, false, 100},
    {"read 256 KiB, depth 8", IoKind::kRead, 256 << 10, 8, false, 200},
    {"read 2 MiB, depth 1", IoKind::kRead, 2 << 20, 1, false, 30},
    {"write 4 KiB, depth 32", IoKind::kWrite, 4 << 10, 32, false, 1600},
    {"write 256 KiB, depth 8", IoKind::kWrite, 256 << 10, 8, false, 200},
    {"write 4 KiB and flush", IoKind::kWrite, 4 << 10, 1, true, 200},
}};

double ProcessorSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Cost {
  double wall_us = 0;       // an operation
  double processor_us = 0;  // an operation, of the process
};

Cost Measure(const std::string& path, const Work& work, uint64_t seed) {
  const OpenedDevice opened = CheckOk(OpenBlockDevice(path, {}), "device");
  AlignedBuffer memory(work.bytes * work.depth);
  std::mt19937_64 random(seed);
  const double processor = ProcessorSeconds();
  const double wall = SecondsOf([&] {
    for (int done = 0; done < work.operations; done += static_cast<int>(work.depth)) {
      std::vector<IoRequest> batch;
      for (size_t i = 0; i < work.depth; ++i) {
        batch.push_back({.kind = work.kind,
                         .offset = DeviceOffset(random() % (kSpanBytes / work.bytes) * work.bytes),
                         .buffer = memory.bytes().subspan(i * work.bytes, work.bytes)});
      }
      CheckOk(opened.device->Submit(batch), work.name);
      if (work.flush) CheckOk(opened.device->Flush(), "flush");
    }
  });
  const double operations = work.operations;
  return {.wall_us = wall * 1e6 / operations,
          .processor_us = (ProcessorSeconds() - processor) * 1e6 / operations};
}

}  // namespace

void BenchNvme() {
  const char* const node = std::getenv("RAWKV_TEST_NVME");
  if (node == nullptr) {
    std::printf("left out: RAWKV_TEST_NVME names no NVMe character device (its content would be lost)\n");
    return;
  }
  const std::string block = CheckOk(NvmeBlockPathOf(node), "block device");
  {  // Blocks that were never written are read at a false speed.
    const OpenedDevice opened = CheckOk(OpenBlockDevice(node, {}), "device");
    AlignedBuffer memory(1 << 20);
    std::mt19937_64 random(1);
    for (uint64_t at = 0; at < memory.size(); ++at) memory.data()[at] = static_cast<std::byte>(random());
    for (uint64_t at = 0; at < kSpanBytes; at += memory.size()) {
      CheckOk(opened.device->Write(DeviceOffset(at), memory.bytes()), "fill");
    }
  }
  std::printf(
      "| work | io_uring us | nvme us | median ratio | CPU us: io_uring | nvme |\n"
      "| --- | --- | --- | --- | --- | --- |\n");
  for (const Work& work : kWorks) {
    std::vector<double> block_us, nvme_us, ratio, block_cpu, nvme_cpu;
    for (int round = 0; round < kRounds; ++round) {
      const auto seed = static_cast<uint64_t>(round);
      const Cost by_block = Measure(block, work, seed);
      const Cost by_command = Measure(node, work, seed);
      block_us.push_back(by_block.wall_us);
      nvme_us.push_back(by_command.wall_us);
      ratio.push_back(by_command.wall_us / by_block.wall_us);
      block_cpu.push_back(by_block.processor_us);
      nvme_cpu.push_back(by_command.processor_us);
    }
    std::printf("| %s | %.0f | %.0f | %.2f | %.0f | %.0f |\n", work.name, Median(block_us), Median(nvme_us),
                Median(ratio), Median(block_cpu), Median(nvme_cpu));
    std::fflush(stdout);
  }
}

}  // namespace rawkv::bench
