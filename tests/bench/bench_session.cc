#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/fs_ops.h"
#include "base/unique_fd.h"
#include "blockdev/aligned_buffer.h"
#include "blockdev/io_uring_ring.h"
#include "blockdev/superblock.h"
#include "tests/bench/bench_store.h"

namespace rawkv::bench {
namespace {

struct ReadLoad {
  uint64_t value_bytes = 0;
  uint64_t values = 0;
  uint64_t reads = 0;
  size_t depth = 0;
  uint64_t ValueOfRead(uint64_t read) const { return read * 7919 % values; }
};

// What a round of reads took.
struct Cost {
  double seconds = 0;
  double cpu_us = 0;  // of all threads of the process, user and system
};

double CpuUs() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  const auto us = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_usec);
  };
  return us(use.ru_utime) + us(use.ru_stime);
}

Cost CostOf(const std::function<void()>& work) {
  const double cpu = CpuUs();
  const double seconds = SecondsOf(work);
  return {.seconds = seconds, .cpu_us = CpuUs() - cpu};
}

// Reads the values of a store through a session. `descriptor`: waits by poll(2) for the session's
// descriptor, or, if negative, by Session::Wait.
Cost ReadBySession(Session& session, int descriptor, const ReadLoad& load,
                   std::vector<AlignedBuffer>& buffers) {
  std::vector<size_t> idle;
  for (size_t i = 0; i < load.depth; ++i) idle.push_back(i);
  std::vector<size_t> buffer_of(load.reads + 1);
  const uint64_t first_id = session.stats().accepted + 1;
  return CostOf([&] {
    uint64_t submitted = 0;
    std::array<SessionCompletion, 64> done;
    for (uint64_t completed = 0; completed < load.reads;) {
      while (submitted < load.reads && !idle.empty()) {
        const std::string key = "k" + std::to_string(load.ValueOfRead(submitted));
        const SessionRead read{.key = key, .out = buffers[idle.back()].bytes()};
        const uint64_t id = CheckOk(session.SubmitGet(std::span(&read, 1)), "submit");
        buffer_of[id - first_id] = idle.back();
        idle.pop_back();
        ++submitted;
      }
      if (descriptor >= 0) {
        pollfd readable{.fd = descriptor, .events = POLLIN, .revents = 0};
        (void)::poll(&readable, 1, -1);
      } else if (!session.Wait(-1)) {
        CheckOk(Status::Internal("nothing is under way"), "wait");
      }
      const size_t count = session.Drain(done);
      for (size_t i = 0; i < count; ++i) {
        CheckOk(done[i].answers.at(0).status, "read");
        idle.push_back(buffer_of[done[i].id - first_id]);
      }
      completed += count;
    }
  });
}

// Reads the same places of the same file with the system's io_uring alone.
Cost ReadByRing(IoRing& ring, uint64_t slots_offset, uint64_t stride, const ReadLoad& load,
                std::vector<AlignedBuffer>& buffers) {
  return CostOf([&] {
    uint64_t submitted = 0;
    const auto push = [&](uint64_t buffer) {
      const IoRing::Call call{.tag = buffer,
                              .kind = IoKind::kRead,
                              .offset = DeviceOffset(slots_offset + load.ValueOfRead(submitted) * stride),
                              .buffer = buffers[buffer].bytes()};
      if (!ring.Push(call)) CheckOk(Status::Internal("the ring is full"), "push");
      ++submitted;
    };
    for (size_t i = 0; i < std::min<uint64_t>(load.depth, load.reads); ++i) push(i);
    std::array<IoRing::Completion, 64> done;
    for (uint64_t completed = 0; completed < load.reads;) {
      if (ring.Submit() < 0) CheckOk(Status::Internal("submit failed"), "submit");
      size_t count = ring.Reap(done);
      if (count == 0) {
        (void)ring.Wait(IoRing::kForever);
        count = ring.Reap(done);
      }
      for (size_t i = 0; i < count; ++i) {
        if (done[i].result != static_cast<int64_t>(load.value_bytes)) {
          CheckOk(Status::Internal("a short read"), "read");
        }
        if (submitted < load.reads) push(done[i].tag);
      }
      completed += count;
    }
  });
}

// The costs of one way to read, a round each.
struct Rounds {
  std::vector<double> rate, cpu_us, ratio;

  void Add(const Cost& cost, uint64_t reads, const Rounds* base) {
    rate.push_back(static_cast<double>(reads) / cost.seconds);
    cpu_us.push_back(cost.cpu_us / static_cast<double>(reads));
    if (base != nullptr) ratio.push_back(rate.back() / base->rate.back());
  }
};

}  // namespace

void BenchSession() {
  std::printf(
      "| value | depth | io_uring reads/s | session reads/s | ratio | quartiles | ratio with poll | "
      "CPU us/read: io_uring | session | with poll |\n"
      "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
  for (const uint64_t value_bytes : {4ull << 10, 16ull << 10, 64ull << 10, 256ull << 10, 1ull << 20}) {
    OpenOptions quiet;
    quiet.env.logger = &NullLogger();
    BenchStore store("session", {.capacity_bytes = 2ull << 30, .inline_bytes = 0});
    const std::unique_ptr<Engine> engine = store.Open(quiet);
    ReadLoad load{.value_bytes = value_bytes,
                  .values = std::min<uint64_t>((512ull << 20) / value_bytes, 16384)};
    Fill(*engine, 0, load.values, value_bytes);
    CheckOk(engine->CreateSnapshot().status(), "snapshot");
    const std::unique_ptr<Session> waiting = CheckOk(engine->OpenSession(), "session");
    const std::unique_ptr<Session> polling = CheckOk(engine->OpenSession(), "session");
    // The first commits of a new store fill its slots in order.
    const std::string path = JoinPath(store.dir(), "device.img");
    const OpenedDevice raw = CheckOk(OpenBlockDevice(path, {.writable = false}), "device");
    const DeviceLayout layout = CheckOk(SuperblockStore(*raw.device).Load(), "superblock").layout;
    const uint64_t stride = AlignUp(value_bytes + layout.header_bytes, layout.slot_bytes);
    const UniqueFd fd = OpenUninterrupted(path, O_RDONLY | O_DIRECT);
    const std::unique_ptr<IoRing> ring = CheckOk(MakeIoUringRing(fd.get(), 64), "ring");
    for (const size_t depth : {1, 8, 32}) {
      // Rounds are short, and the ways to read take turns, so that other programs disturb each of them alike.
      load.depth = depth;
      load.reads = std::clamp<uint64_t>((64ull << 20) / value_bytes, 64, depth == 1 ? 500 : 4000);
      std::vector<AlignedBuffer> buffers;
      for (size_t i = 0; i < depth; ++i) buffers.emplace_back(value_bytes);
      Rounds by_ring, by_wait, by_poll;
      constexpr int kRounds = 15;
      for (int round = 0; round < kRounds; ++round) {
        by_ring.Add(ReadByRing(*ring, layout.slots_offset + layout.header_bytes, stride, load, buffers),
                    load.reads, nullptr);
        by_wait.Add(ReadBySession(*waiting, -1, load, buffers), load.reads, &by_ring);
        by_poll.Add(ReadBySession(*polling, polling->event_fd(), load, buffers), load.reads, &by_ring);
      }
      std::vector<double> sorted = by_wait.ratio;
      std::sort(sorted.begin(), sorted.end());
      std::printf("| %lu KiB | %zu | %.0f | %.0f | %.2f | %.2f, %.2f | %.2f | %.1f | %.1f | %.1f |\n",
                  value_bytes >> 10, depth, Median(by_ring.rate), Median(by_wait.rate), Median(by_wait.ratio),
                  sorted[kRounds / 4], sorted[kRounds - 1 - kRounds / 4], Median(by_poll.ratio),
                  Median(by_ring.cpu_us), Median(by_wait.cpu_us), Median(by_poll.cpu_us));
      std::fflush(stdout);
    }
    CheckOk(waiting->Close(), "close");
    CheckOk(polling->Close(), "close");
  }
}

}  // namespace rawkv::bench
