#include <fcntl.h>
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

// Reads the values of a store through a session. Returns seconds.
double ReadBySession(Session& session, const ReadLoad& load, std::vector<AlignedBuffer>& buffers) {
  std::vector<size_t> idle;
  for (size_t i = 0; i < load.depth; ++i) idle.push_back(i);
  std::vector<size_t> buffer_of(load.reads + 1);
  const uint64_t first_id = session.stats().accepted + 1;
  return SecondsOf([&] {
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
      if (!session.Wait(-1)) CheckOk(Status::Internal("nothing is under way"), "wait");
      const size_t count = session.Drain(done);
      for (size_t i = 0; i < count; ++i) {
        CheckOk(done[i].answers.at(0).status, "read");
        idle.push_back(buffer_of[done[i].id - first_id]);
      }
      completed += count;
    }
  });
}

// Reads the same places of the same file with the system's io_uring alone. Returns seconds.
double ReadByRing(IoRing& ring, uint64_t slots_offset, uint64_t stride, const ReadLoad& load,
                  std::vector<AlignedBuffer>& buffers) {
  return SecondsOf([&] {
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
        (void)ring.Wait();
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

}  // namespace

void BenchSession() {
  std::printf(
      "| value | depth | io_uring reads/s | session reads/s | median ratio | lowest, highest ratio |\n"
      "| --- | --- | --- | --- | --- | --- |\n");
  for (const uint64_t value_bytes : {4ull << 10, 64ull << 10, 1ull << 20}) {
    OpenOptions quiet;
    quiet.env.logger = &NullLogger();
    BenchStore store("session", {.capacity_bytes = 2ull << 30, .inline_bytes = 0});
    const std::unique_ptr<Engine> engine = store.Open(quiet);
    ReadLoad load{.value_bytes = value_bytes,
                  .values = std::min<uint64_t>((512ull << 20) / value_bytes, 65536)};
    Fill(*engine, 0, load.values, value_bytes);
    CheckOk(engine->CreateSnapshot().status(), "snapshot");
    const std::unique_ptr<Session> session = CheckOk(engine->OpenSession(), "session");
    // The first commits of a new store fill its slots in order.
    const std::string path = JoinPath(store.dir(), "device.img");
    const OpenedDevice raw = CheckOk(OpenBlockDevice(path, {.writable = false}), "device");
    const DeviceLayout layout = CheckOk(SuperblockStore(*raw.device).Load(), "superblock").layout;
    const uint64_t stride = AlignUp(value_bytes + layout.header_bytes, layout.slot_bytes);
    const UniqueFd fd = OpenUninterrupted(path, O_RDONLY | O_DIRECT);
    const std::unique_ptr<IoRing> ring = CheckOk(MakeIoUringRing(fd.get(), 64), "ring");
    for (const size_t depth : {1, 8, 32}) {
      load.depth = depth;
      load.reads = std::clamp<uint64_t>((128ull << 20) / value_bytes, 128, depth == 1 ? 1000 : 8000);
      std::vector<AlignedBuffer> buffers;
      for (size_t i = 0; i < depth; ++i) buffers.emplace_back(value_bytes);
      std::vector<double> by_ring, by_session, ratio;
      constexpr int kPairs = 7;
      for (int pair = 0; pair < kPairs; ++pair) {
        by_ring.push_back(
            static_cast<double>(load.reads) /
            ReadByRing(*ring, layout.slots_offset + layout.header_bytes, stride, load, buffers));
        by_session.push_back(static_cast<double>(load.reads) / ReadBySession(*session, load, buffers));
        ratio.push_back(by_session.back() / by_ring.back());
      }
      std::printf("| %lu KiB | %zu | %.0f | %.0f | %.2f | %.2f, %.2f |\n", value_bytes >> 10, depth,
                  Median(by_ring), Median(by_session), Median(ratio),
                  *std::min_element(ratio.begin(), ratio.end()),
                  *std::max_element(ratio.begin(), ratio.end()));
      std::fflush(stdout);
    }
    CheckOk(session->Close(), "close");
  }
}

}  // namespace rawkv::bench
