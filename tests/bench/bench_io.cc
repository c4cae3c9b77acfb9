#include <cstdio>
#include <thread>

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

void BenchWriteAmplification() {
  std::printf(
      "| value | values | user bytes | device bytes | device / user | log bytes / user |\n"
      "| --- | --- | --- | --- | --- | --- |\n");
  for (const uint64_t value_bytes : {64ull << 10, 1ull << 20}) {
    BenchStore store("writeamp", {.capacity_bytes = 2ull << 30});
    const std::unique_ptr<Engine> engine = store.Open(Quiet());
    const std::string value(value_bytes, 'v');
    const uint64_t count = (512ull << 20) / value_bytes;
    const EngineStats before = engine->stats();
    for (uint64_t i = 0; i < count; ++i) {
      WriteBatch batch;
      batch.Put("k" + std::to_string(i), value);
      CheckOk(engine->Commit(batch).status, "commit");
    }
    const EngineStats after = engine->stats();
    const auto user = static_cast<double>(after.user_bytes_written - before.user_bytes_written);
    const uint64_t device = after.device_bytes_written - before.device_bytes_written;
    const uint64_t log = after.log_bytes_written - before.log_bytes_written;
    std::printf("| %lu KiB | %lu | %.0f | %lu | %.4f | %.4f |\n", value_bytes >> 10, count, user, device,
                static_cast<double>(device) / user, static_cast<double>(log) / user);
  }
}

void BenchCommit() {
  std::printf(
      "| writers | commits/s | commits a sync | p50 us | p99 us |\n| --- | --- | --- | --- | --- |\n");
  for (const int writers : {1, 2, 4, 8, 16}) {
    BenchStore store("commit", {.capacity_bytes = 1ull << 30});
    const std::unique_ptr<Engine> engine = store.Open(Quiet());
    constexpr int kTotal = 16000;
    std::vector<std::vector<double>> samples(static_cast<size_t>(writers));
    const double seconds = SecondsOf([&] {
      std::vector<std::thread> threads;
      for (int w = 0; w < writers; ++w) {
        threads.emplace_back([&, w] {
          for (int i = 0; i < kTotal / writers; ++i) {
            WriteBatch batch;
            batch.Put("w" + std::to_string(w) + "-" + std::to_string(i), std::string(100, 'x'));
            samples[static_cast<size_t>(w)].push_back(
                SecondsOf([&] { CheckOk(engine->Commit(batch).status, "commit"); }) * 1e6);
          }
        });
      }
      for (std::thread& t : threads) t.join();
    });
    std::vector<double> all;
    for (const auto& s : samples) all.insert(all.end(), s.begin(), s.end());
    const Percentiles p = PercentilesOf(all);
    const EngineStats stats = engine->stats();
    std::printf("| %d | %.0f | %.1f | %.0f | %.0f |\n", writers, static_cast<double>(kTotal) / seconds,
                static_cast<double>(stats.commits) / static_cast<double>(stats.groups), p.p50, p.p99);
    std::fflush(stdout);
  }
}

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

void BenchReadInline() {
  std::printf(
      "| keys | get p50 us | get p99 us | multi-get of 100, keys/s | scan, keys/s |\n"
      "| --- | --- | --- | --- | --- |\n");
  for (const uint64_t count : {10'000ull, 1'000'000ull}) {
    BenchStore store("inline", {.capacity_bytes = 1ull << 30});
    const std::unique_ptr<Engine> engine = store.Open(Quiet());
    Fill(*engine, 0, count, 100);
    CheckOk(engine->CreateSnapshot().status(), "snapshot");  // moves the keys from the memtable into tables
    const auto key = [&](uint64_t i) { return "k" + std::to_string(i * 7919 % count); };
    std::vector<double> get;
    for (uint64_t i = 0; i < 200'000; ++i) {
      get.push_back(SecondsOf([&] { CheckOk(engine->Get(key(i)).status(), "get"); }) * 1e6);
    }
    constexpr uint64_t kRounds = 2000, kKeys = 100;
    const double multi = SecondsOf([&] {
      for (uint64_t i = 0; i < kRounds; ++i) {
        std::vector<std::string> names;
        for (uint64_t k = 0; k < kKeys; ++k) names.push_back(key(i * kKeys + k));
        const std::vector<std::string_view> keys(names.begin(), names.end());
        for (const Result<Value>& v : engine->MultiGet(keys)) CheckOk(v.status(), "multi-get");
      }
    });
    uint64_t scanned = 0;
    const double scan = SecondsOf([&] {
      const std::unique_ptr<Iterator> it = CheckOk(engine->NewIterator(), "iterator");
      for (it->SeekToFirst(); it->Valid(); it->Next()) ++scanned;
      CheckOk(it->status(), "scan");
    });
    const Percentiles p = PercentilesOf(get);
    std::printf("| %lu | %.1f | %.1f | %.0f | %.0f |\n", count, p.p50, p.p99, kRounds * kKeys / multi,
                static_cast<double>(scanned) / scan);
    std::fflush(stdout);
  }
}

}  // namespace rawkv::bench
