#include <algorithm>
#include <cstdio>
#include <cstring>

#include "base/fs_ops.h"
#include "blockdev/open_block_device.h"
#include "tests/bench/bench_store.h"

namespace rawkv::bench {
namespace {

constexpr uint64_t kBytes = 128ull << 20;
constexpr int kRounds = 7;

// A device file of its own with the same bytes.
class PlainFile {
 public:
  explicit PlainFile(const std::string& path) : buffer_(2 << 20) {
    CheckOk(CreateDeviceFile(path, kBytes), "plain device");
    device_ = CheckOk(OpenBlockDevice(path, {}), "plain device");
    std::memset(buffer_.data(), 'p', buffer_.size());
    Transfer(IoKind::kWrite);
    CheckOk(device_.device->Flush(), "flush");
  }
  // Reads or writes everything in order, 2 MiB at a time, in transfers of 256 KiB.
  void Transfer(IoKind kind) {
    constexpr uint64_t kPart = 256 << 10;
    for (uint64_t begin = 0; begin < kBytes; begin += buffer_.size()) {
      std::vector<IoRequest> batch;
      for (uint64_t at = 0; at < buffer_.size(); at += kPart) {
        batch.push_back(
            {.kind = kind, .offset = DeviceOffset(begin + at), .buffer = buffer_.bytes().subspan(at, kPart)});
      }
      CheckOk(device_.device->Submit(batch), "transfer");
    }
  }

 private:
  OpenedDevice device_;
  AlignedBuffer buffer_;
};

// Values whose order on the device is that of their keys.
void FillInOrder(Engine& engine, uint64_t value_bytes) {
  const std::string value(value_bytes, 'v');
  for (uint64_t i = 0; i < kBytes / value_bytes;) {
    WriteBatch batch;
    for (uint64_t bytes = 0; bytes < (8 << 20) && i < kBytes / value_bytes; bytes += value_bytes, ++i) {
      char key[16];
      std::snprintf(key, sizeof key, "k%09lu", i);
      batch.PutBorrowed(key, AsBytes(value));
    }
    CheckOk(engine.Commit(batch).status, "fill");
  }
}

double MibPerSecond(double seconds) {
  return static_cast<double>(kBytes >> 20) / seconds;
}

void MeasureScan(uint64_t value_bytes, PlainFile& plain) {
  BenchStore store("scan", {.capacity_bytes = 1ull << 30, .inline_bytes = 0});
  OpenOptions options;
  options.settings.snapshot_interval = 0;
  options.env.logger = &NullLogger();
  const std::unique_ptr<Engine> engine = store.Open(options);
  FillInOrder(*engine, value_bytes);
  for (const uint64_t ahead : {0, 1 << 20, 2 << 20, 4 << 20}) {
    std::vector<double> scan, raw, ratio;
    for (int round = 0; round < kRounds; ++round) {
      scan.push_back(SecondsOf([&] {
        IteratorOptions walk;
        walk.read_ahead_bytes = ahead;
        const std::unique_ptr<Iterator> it = CheckOk(engine->NewIterator(walk), "iterator");
        uint64_t bytes = 0;
        for (it->SeekToFirst(); it->Valid(); it->Next()) bytes += CheckOk(it->ReadValue(), "value").size();
        CheckOk(it->status(), "walk");
        if (bytes != kBytes) CheckOk(Status::Internal("the walk has left values out"), "walk");
      }));
      raw.push_back(SecondsOf([&] { plain.Transfer(IoKind::kRead); }));
      ratio.push_back(raw.back() / scan.back());
    }
    std::printf("| %lu KiB | %lu KiB | %.0f | %.0f | %.2f |\n", value_bytes >> 10, ahead >> 10,
                MibPerSecond(Median(scan)), MibPerSecond(Median(raw)), Median(ratio));
    std::fflush(stdout);
  }
}

}  // namespace

void BenchScan() {
  std::printf(
      "| value | read ahead | iterator MiB/s | sequential read MiB/s | median part of the raw rate of %d "
      "pairs |\n"
      "| --- | --- | --- | --- | --- |\n",
      kRounds);
  BenchStore place("scan-plain", {.capacity_bytes = 64 << 20});
  PlainFile plain(JoinPath(place.dir(), "plain.img"));
  for (const uint64_t value_bytes : {4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20}) {
    MeasureScan(value_bytes, plain);
  }
}

}  // namespace rawkv::bench
