#include <algorithm>
#include <cstdio>
#include <cstring>

#include "base/fs_ops.h"
#include "blockdev/open_block_device.h"
#include "tests/bench/bench_store.h"

namespace rawkv::bench {
namespace {

constexpr int kCommitPairs = 25;

// One write and flush of `bytes` on a device file of its own, in parts of 256 KiB.
class PlainDevice {
 public:
  PlainDevice(const std::string& path, uint64_t bytes) : buffer_(bytes) {
    CheckOk(CreateDeviceFile(path, bytes), "plain device");
    device_ = CheckOk(OpenBlockDevice(path, {}), "plain device");
    std::memset(buffer_.data(), 'p', buffer_.size());
    Write();  // lays the file out
  }
  void Write() {
    constexpr uint64_t kPart = 256 << 10;
    std::vector<IoRequest> batch;
    for (uint64_t at = 0; at < buffer_.size(); at += kPart) {
      batch.push_back({.kind = IoKind::kWrite,
                       .offset = DeviceOffset(at),
                       .buffer = buffer_.bytes().subspan(at, std::min(kPart, buffer_.size() - at))});
    }
    CheckOk(device_.device->Submit(batch), "write");
    CheckOk(device_.device->Flush(), "flush");
  }

 private:
  OpenedDevice device_;
  AlignedBuffer buffer_;
};

// Writes every slot once and frees it again, so that no later write takes new blocks from the filesystem.
void LayOut(Engine& engine) {
  const std::string value(1 << 20, 'f');
  for (uint64_t i = 0;; ++i) {
    WriteBatch batch;
    batch.Put("fill" + std::to_string(i), value);
    const CommitResult result = engine.Commit(batch, {.durability = Durability::kUnsafeUnsynced});
    if (result.status.code() == StatusCode::kNoSpace) break;
    CheckOk(result.status, "fill");
  }
  WriteBatch batch;
  batch.DeleteRange("", "");
  CheckOk(engine.Commit(batch).status, "delete");
  CheckOk(engine.CreateSnapshot().status(), "snapshot");
  CheckOk(engine.Prune(0).status(), "prune");
}

void MeasureCommits(uint64_t values, uint64_t value_bytes) {
  const uint64_t bytes = values * value_bytes;
  BenchStore store("values", {.capacity_bytes = 1ull << 30, .inline_bytes = 0});
  OpenOptions options;
  options.settings.snapshot_interval = 0;
  options.env.logger = &NullLogger();
  const std::unique_ptr<Engine> engine = store.Open(options);
  PlainDevice plain(JoinPath(store.dir(), "plain.img"), bytes);
  AlignedBuffer value(AlignUp(value_bytes, kBlockAlign));
  std::memset(value.data(), 'v', value.size());
  std::vector<double> commit, write, ratio;
  LayOut(*engine);
  for (int i = 0; i < kCommitPairs; ++i) {
    WriteBatch batch;
    for (uint64_t v = 0; v < values; ++v) {
      batch.PutBorrowed("key" + std::to_string(v), ConstBytes(value.bytes()).first(value_bytes));
    }
    const double seconds = SecondsOf([&] { CheckOk(engine->Commit(batch).status, "commit"); });
    commit.push_back(seconds * 1e6);
    write.push_back(SecondsOf([&] { plain.Write(); }) * 1e6);
    ratio.push_back(write.back() / commit.back());
  }
  std::printf("| %lu | %lu KiB | %.0f | %.0f | %.2f |\n", values, value_bytes >> 10, Median(commit),
              Median(write), Median(ratio));
  std::fflush(stdout);
}

}  // namespace

void BenchCommitValues() {
  std::printf(
      "| values a commit | bytes of a value | commit us | one write and flush of the same bytes us | median "
      "ratio "
      "of %d pairs |\n| --- | --- | --- | --- | --- |\n",
      kCommitPairs);
  MeasureCommits(1, 4 << 10);
  MeasureCommits(512, 4 << 10);
  MeasureCommits(64, 64 << 10);
  MeasureCommits(1, 1 << 20);
  MeasureCommits(1, 16 << 20);
}

}  // namespace rawkv::bench
