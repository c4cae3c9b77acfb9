#include "tests/stress/coordinator.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>

namespace rawkv::stress {
namespace {

using Call = CallBoard::Call;

constexpr uint64_t kProgressSeconds = 10;
constexpr std::array<uint64_t, 3> kFigureMinutes = {10, 30, 60};

}  // namespace

Coordinator::Coordinator(World& world, Logger& logger)
    : world_(world), logger_(logger), own_(world, world.options.threads), rng_(world.options.seed) {}

Coordinator::~Coordinator() {
  world_.stop = true;
  for (std::thread& thread : threads_) thread.join();
}

uint64_t Coordinator::SecondsSince(Clock::time_point time) const {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - time).count());
}

void Coordinator::ChooseDevice() {
  world_.format.device = world_.options.device == "file" ? "" : world_.options.device;
  if (world_.options.device != "auto") return;
  world_.format.device.clear();
  const std::string backing = world_.dir + "/loop.img";
  const Status made = CreateDeviceFile(backing, world_.format.capacity_bytes);
  Result<LoopDevice> loop = made.ok() ? LoopDevice::Attach(backing) : Result<LoopDevice>(made);
  if (!loop.ok()) {
    std::printf("device: a file (no loop device: %s)\n", loop.status().message().c_str());
    return;
  }
  loop_ = *std::move(loop);
  world_.format.device = loop_->path();
}

bool Coordinator::MakeStore() {
  FormatOptions& format = world_.format;
  constexpr std::array<uint64_t, 3> kMib = {8, 16, 48};
  const uint64_t mib = world_.options.device_mib != 0 ? world_.options.device_mib : rng_.Pick(kMib);
  format.capacity_bytes = mib << 20;
  format.inline_bytes = kInlineBytes;
  format.initial_version = kInitialVersion;
  format.header_bytes = rng_.OneIn(2) ? 4096 : 0;
  format.meta_total_bytes = rng_.OneIn(2) ? 2 << 20 : 0;
  format.runtime = {.snapshot_interval = 500, .keep_recent = 2, .wal_segment_bytes = 1 << 20};
  format.env.logger = &logger_;
  ChooseDevice();
  format.force = !format.device.empty();
  world_.open.memtable_bytes = 256 << 10;
  world_.open.checkpoint_interval_ms = 20;
  world_.open.checkpoint_max_age_ms = 200;
  world_.open.value_cache_bytes = 256 << 10;
  world_.open.env.logger = &logger_;
  const Call call(world_.board, world_.options.threads, "Format");
  return world_.Expect("format", Engine::Format(world_.store_dir(), format).status(), {});
}

bool Coordinator::OpenStore() {
  const Call call(world_.board, world_.options.threads, "Open");
  Result<std::unique_ptr<Engine>> opened = Engine::Open(world_.store_dir(), world_.open);
  if (!world_.Expect("open", opened.status(), {})) return false;
  world_.engine = *std::move(opened);
  return true;
}

void Coordinator::Run() {
  if (!MakeStore() || !OpenStore()) return;
  for (size_t i = 0; i < world_.options.threads; ++i) {
    world_.gate.Enter();
    threads_.emplace_back([this, i] { Worker(world_, i).Run(); });
  }
  Clock::time_point progress = Clock::now(), reopened = progress;
  while (SecondsSince(begun_) < world_.options.seconds && !world_.Done()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    if (world_.options.Has("reopen") && SecondsSince(reopened) >= world_.options.reopen_seconds) {
      Reopen();
      reopened = Clock::now();
    }
    if (SecondsSince(progress) >= kProgressSeconds) {
      PrintProgress();
      progress = Clock::now();
    }
    PrintResourcesAtMinutes();
  }
  if (!world_.Done()) Reopen();
  world_.stop = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  if (world_.violations.count() == 0) CloseStore();
  PrintProgress();
  PrintResources("at the end");
}

void Coordinator::PrintProgress() {
  std::printf(
      "%llu s: version %llu, %llu reads compared, %llu overtaken by a rollback, %llu rollbacks done, %llu "
      "settled, "
      "%llu of them by content, %llu reopens, longest call %s\n  %s\n",
      static_cast<unsigned long long>(SecondsSince(begun_)),
      static_cast<unsigned long long>(world_.history.tip().value()),
      static_cast<unsigned long long>(world_.judged.load()),
      static_cast<unsigned long long>(world_.overtaken.load()),
      static_cast<unsigned long long>(world_.rolled_back.load()),
      static_cast<unsigned long long>(world_.history.settlements()),
      static_cast<unsigned long long>(world_.history.adoptions()), static_cast<unsigned long long>(reopens_),
      world_.board.Longest().c_str(), world_.tally.Describe().c_str());
  std::fflush(stdout);
}

void Coordinator::PrintResources(const std::string& when) {
  std::printf("figures %s: %s\n", when.c_str(), MeasureResources(world_.store_dir()).Describe().c_str());
  std::fflush(stdout);
}

void Coordinator::PrintResourcesAtMinutes() {
  if (minutes_reported_ >= kFigureMinutes.size()) return;
  const uint64_t minutes = kFigureMinutes[minutes_reported_];
  if (SecondsSince(begun_) < minutes * 60) return;
  ++minutes_reported_;
  PrintResources("at " + std::to_string(minutes) + " minutes");
}

}  // namespace rawkv::stress
