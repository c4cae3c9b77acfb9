#include <cstdio>

#include "base/fs_ops.h"
#include "blockdev/aligned_buffer.h"
#include "blockdev/superblock.h"
#include "tests/bench/bench_store.h"

namespace rawkv::bench {
namespace {

OpenOptions Quiet() {
  OpenOptions options;
  options.env.logger = &NullLogger();
  return options;
}

}  // namespace

void BenchRead() {
  std::printf(
      "| value | get p50 us | raw device read p50 us | median ratio | multi-get of 32, MiB/s | multi-get of "
      "32 "
      "into buffers: rate of the raw batch |\n"
      "| --- | --- | --- | --- | --- | --- |\n");
  for (const uint64_t value_bytes : {4ull << 10, 64ull << 10, 256ull << 10, 1ull << 20}) {
    BenchStore store("read", {.capacity_bytes = 2ull << 30, .inline_bytes = 0});
    const std::unique_ptr<Engine> engine = store.Open(Quiet());
    const uint64_t count = std::min<uint64_t>((256ull << 20) / value_bytes, 4096);
    for (uint64_t i = 0; i < count; ++i) {
      WriteBatch batch;
      batch.Put("k" + std::to_string(i), std::string(value_bytes, 'v'));
      CheckOk(engine->Commit(batch, {.durability = Durability::kUnsafeUnsynced}).status, "commit");
    }
    CheckOk(engine->Sync(), "sync");
    // Reads the same values from the same file without the engine, for the time of the device alone. The
    // first commits of a new store fill its slots in order.
    const OpenedDevice raw =
        CheckOk(OpenBlockDevice(JoinPath(store.dir(), "device.img"), {.writable = false}), "device");
    const DeviceLayout layout = CheckOk(SuperblockStore(*raw.device).Load(), "superblock").layout;
    AlignedBuffer buffer(value_bytes);
    std::vector<double> get, device, ratio;
    for (uint64_t i = 0; i < 1000; ++i) {
      const std::string key = "k" + std::to_string(i * 7919 % count);
      get.push_back(SecondsOf([&] { CheckOk(engine->GetInto(key, buffer.bytes()).status(), "get"); }) * 1e6);
      const DeviceOffset offset(layout.slots_offset +
                                i * 7919 % count * AlignUp(value_bytes, layout.slot_bytes));
      device.push_back(SecondsOf([&] { CheckOk(raw.device->Read(offset, buffer.bytes()), "read"); }) * 1e6);
      ratio.push_back(get.back() / device.back());
    }
    std::vector<std::string> names;
    for (uint64_t i = 0; i < 32; ++i) names.push_back("k" + std::to_string(i * 31 % count));
    const std::vector<std::string_view> keys(names.begin(), names.end());
    constexpr int kRounds = 20;
    const double seconds = SecondsOf([&] {
      for (int i = 0; i < kRounds; ++i) {
        for (const Result<Value>& v : engine->MultiGet(keys)) CheckOk(v.status(), "multi-get");
      }
    });
    // The same values into aligned buffers, in turn with one batch of the same transfers without the engine.
    AlignedBuffer memory(keys.size() * AlignUp(value_bytes, kBlockAlign));
    std::vector<SessionRead> reads;
    std::vector<IoRequest> transfers;
    constexpr uint64_t kTransfer = 256 << 10;
    for (size_t k = 0; k < keys.size(); ++k) {
      const Bytes out = memory.bytes().subspan(k * value_bytes, value_bytes);
      reads.push_back({keys[k], out});
      const uint64_t slot = k * 31 % count * AlignUp(value_bytes, layout.slot_bytes);
      for (uint64_t at = 0; at < value_bytes; at += kTransfer) {
        transfers.push_back({.kind = IoKind::kRead,
                             .offset = DeviceOffset(layout.slots_offset + slot + at),
                             .buffer = out.subspan(at, std::min(kTransfer, value_bytes - at))});
      }
    }
    std::vector<double> into;
    for (int i = 0; i < 3 * kRounds; ++i) {
      const double engine_seconds = SecondsOf([&] {
        for (const SessionAnswer& a : engine->MultiGetInto(reads))
          CheckOk(a.status, "multi-get into buffers");
      });
      into.push_back(SecondsOf([&] { CheckOk(raw.device->Submit(transfers), "batch"); }) / engine_seconds);
    }
    std::printf("| %lu KiB | %.0f | %.0f | %.2f | %.0f | %.2f |\n", value_bytes >> 10, Median(get),
                Median(device), Median(ratio),
                kRounds * 32.0 * static_cast<double>(value_bytes) / seconds / (1 << 20), Median(into));
    std::fflush(stdout);
  }
}

}  // namespace rawkv::bench
