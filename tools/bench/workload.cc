#include "tools/bench/workload.h"

#include "tools/bench/work.h"

namespace rawkv::bench {
namespace {

constexpr uint64_t kKi = 1 << 10, kMi = 1 << 20;

const std::vector<uint64_t> kAllSizes = {100, kKi, 4 * kKi, 64 * kKi, 256 * kKi, kMi, 16 * kMi};
const std::vector<uint64_t> kUpToOneMi = {100, kKi, 4 * kKi, 64 * kKi, 256 * kKi, kMi};
const std::vector<uint64_t> kSmall = {100, kKi, 4 * kKi};
const std::vector<uint64_t> kQuickSizes = {100, 4 * kKi, 256 * kKi};
const std::vector<uint64_t> kQuickAndLarge = {100, 4 * kKi, 256 * kKi, 16 * kMi};

const std::vector<Metric> kOperations = {
    {"throughput", "ops/s", Better::kHigher}, {"p50", "us", Better::kLower}, {"p99", "us", Better::kLower}};
const std::vector<Metric> kKeys = {{"throughput", "keys/s", Better::kHigher},
                                   {"p50", "us a call", Better::kLower},
                                   {"p99", "us a call", Better::kLower}};
const std::vector<Metric> kTime = {{"time", "ms", Better::kLower}};

constexpr std::string_view kFromMemory = "what comes from memory does not use the device";
constexpr std::string_view kNoRequest = "no request of a device corresponds to it";

Workload YcsbWorkload(std::string_view name, std::string_view what) {
  return {.name = name,
          .what = what,
          .dimension = "clients",
          .depths = {1, 8},
          .quick_depths = {2},
          .sizes = {100, kKi, 256 * kKi},
          .quick_sizes = {100, 256 * kKi},
          .metrics = kOperations,
          .run = Ycsb,
          .without_fio = kNoRequest};
}

std::vector<Workload> Reads() {
  return {
      {.name = "read-random",
       .what = "Reads of single keys in random order, each key at most once, after the caches were dropped. "
               "rawkv keeps `depth` reads under way from one thread, with a session; the others use `depth` "
               "threads.",
       .dimension = "depth",
       .depths = {1, 8, 32},
       .quick_depths = {1, 32},
       .sizes = kAllSizes,
       .quick_sizes = kQuickAndLarge,
       .metrics = kOperations,
       .run = ReadRandom,
       .fio = FioPattern{.rw = "randread", .latency = true}},
      {.name = "read-hot",
       .what = "Reads of up to 16 MiB of values again and again, after each was read once; by threads.",
       .dimension = "threads",
       .depths = {1, 2, 8},
       .quick_depths = {1, 8},
       .sizes = kUpToOneMi,
       .quick_sizes = {100, 4 * kKi},
       .metrics = kOperations,
       .run = ReadHot,
       .without_fio = kFromMemory},
      {.name = "multi-get",
       .what = "One call reads many random keys, each key at most once, after the caches were dropped.",
       .dimension = "keys a call",
       .depths = {32},
       .quick_depths = {32},
       .sizes = kUpToOneMi,
       .quick_sizes = {4 * kKi, 256 * kKi},
       .metrics = kKeys,
       .run = MultiGet,
       .fio = FioPattern{.rw = "randread"}},
      {.name = "scan",
       .what = "One iterator reads all values in the order of the keys, after the caches were dropped. The "
               "keys were loaded in another order. fio reads 256 KiB at a time, in order.",
       .dimension = "iterators",
       .depths = {1},
       .quick_depths = {1},
       .sizes = kAllSizes,
       .quick_sizes = kQuickSizes,
       .metrics = {{"rate", "MiB/s", Better::kHigher}},
       .run = Scan,
       .fio = FioPattern{.rw = "read", .block_bytes = 256 * kKi}},
  };
}

std::vector<Workload> Writes() {
  constexpr uint64_t kMany = 1000;
  return {
      {.name = "commit-durable",
       .what = "Durable commits of one key that exists, by several writers. fio writes as many bytes and "
               "syncs.",
       .dimension = "writers",
       .depths = {1, 2, 4, 8},
       .quick_depths = {1, 8},
       .sizes = kAllSizes,
       .quick_sizes = kQuickAndLarge,
       .metrics = kOperations,
       .run = CommitDurable,
       .fio = FioPattern{.rw = "randwrite", .sync = true, .depth_is_jobs = true},
       .parameter = 1},
      {.name = "commit-durable-1000",
       .what = "Durable commits of 1,000 keys that exist. fio writes as many bytes at once and syncs.",
       .dimension = "writers",
       .depths = {1, 4},
       .quick_depths = {1},
       .sizes = kSmall,
       .quick_sizes = {100, 4 * kKi},
       .metrics = kOperations,
       .run = CommitDurable,
       .fio = FioPattern{.rw = "randwrite", .sync = true, .depth_is_jobs = true, .values = kMany},
       .parameter = kMany},
      {.name = "commit-unsynced",
       .what = "Commits of one key that exists, which do not wait for the disk.",
       .dimension = "writers",
       .depths = {1, 8},
       .quick_depths = {1},
       .sizes = kAllSizes,
       .quick_sizes = kQuickSizes,
       .metrics = kOperations,
       .run = CommitUnsynced,
       .without_fio = kNoRequest,
       .parameter = 1},
      {.name = "commit-unsynced-1000",
       .what = "Commits of 1,000 keys that exist, which do not wait for the disk.",
       .dimension = "writers",
       .depths = {1, 4},
       .quick_depths = {1},
       .sizes = kSmall,
       .quick_sizes = {100},
       .metrics = kOperations,
       .run = CommitUnsynced,
       .without_fio = kNoRequest,
       .parameter = kMany},
      {.name = "overwrite",
       .what =
           "Each sample overwrites as many bytes as the store has, in random order and commits of about "
           "1 MiB, and syncs at the end. Write amplification: bytes that the kernel counts for the "
           "process, until the work in the background ends, for each byte of values. Space amplification: "
           "bytes that the store takes for each byte of current values; rawkv keeps its history.",
       .dimension = "writers",
       .depths = {1},
       .quick_depths = {1},
       .sizes = kAllSizes,
       .quick_sizes = {4 * kKi, 256 * kKi},
       .metrics = {{"rate", "MiB/s", Better::kHigher},
                   {"write-amplification", "bytes a byte", Better::kLower},
                   {"space-amplification", "bytes a byte", Better::kLower}},
       .run = Overwrite,
       .without_fio = kNoRequest},
  };
}

std::vector<Workload> Mixes() {
  return {
      {.name = "snapshot-stall",
       .what = "One writer makes durable commits of one key while snapshots are made (RocksDB: checkpoints). "
               "A commit overlaps a snapshot if one was under way when it began or ended.",
       .dimension = "writers",
       .depths = {1},
       .quick_depths = {1},
       .sizes = {100, 4 * kKi, 256 * kKi},
       .quick_sizes = {4 * kKi},
       .metrics = {{"max-during", "us", Better::kLower},
                   {"p50-during", "us", Better::kLower},
                   {"p50-alone", "us", Better::kLower},
                   {"snapshot", "us", Better::kLower}},
       .run = SnapshotStall,
       .without_fio = kNoRequest},
      {.name = "mixed",
       .what = "One writer makes durable commits of one key and one reader reads random keys, while a "
               "snapshot is made every 3 s (quick: 0.2 s).",
       .dimension = "writers",
       .depths = {1},
       .quick_depths = {1},
       .sizes = {100, 4 * kKi, 256 * kKi},
       .quick_sizes = {4 * kKi},
       .metrics = {{"commit-p99.9", "us", Better::kLower},
                   {"commit-max", "us", Better::kLower},
                   {"read-p99.9", "us", Better::kLower},
                   {"read-max", "us", Better::kLower},
                   {"commits", "ops/s", Better::kHigher},
                   {"reads", "ops/s", Better::kHigher}},
       .run = MixedLoad,
       .without_fio = kNoRequest},
      YcsbWorkload("ycsb-a", "Half reads, half updates; popular keys (zipfian), unsynced."),
      YcsbWorkload("ycsb-b", "95 % reads, 5 % updates; popular keys, unsynced."),
      YcsbWorkload("ycsb-c", "Reads of popular keys."),
      YcsbWorkload("ycsb-d", "95 % reads of new keys, 5 % inserts; unsynced."),
      YcsbWorkload("ycsb-e", "95 % scans of 1 to 100 keys, 5 % inserts; unsynced."),
      YcsbWorkload("ycsb-f",
                   "Half reads, half reads that are followed by an update; popular keys, unsynced."),
  };
}

std::vector<Workload> Versions() {
  return {
      {.name = "rollback",
       .what = "The time to return to the version before the newest ones, each of which changed one key.",
       .dimension = "versions",
       .depths = {1, 100, 10'000},
       .quick_depths = {1, 100, 10'000},
       .sizes = {100, 4 * kKi},
       .quick_sizes = {100},
       .metrics = kTime,
       .run = Rollback,
       .without_fio = kNoRequest},
      {.name = "replay",
       .what = "A view of an old version: how many versions of one key each are replayed a second, on a "
               "snapshot that is so many versions older.",
       .dimension = "versions",
       .depths = {20'000},
       .quick_depths = {20'000},
       .sizes = {100},
       .quick_sizes = {100},
       .metrics = {{"throughput", "versions/s", Better::kHigher}},
       .run = ReplayLog,
       .without_fio = kNoRequest},
      {.name = "open-after-kill",
       .what = "The time to open the store after a process was killed that had made so many commits of one "
               "key.",
       .dimension = "commits",
       .depths = {500, 10'000},
       .quick_depths = {500, 10'000},
       .sizes = {100, 4 * kKi},
       .quick_sizes = {100},
       .metrics = kTime,
       .run = OpenAfterKill,
       .without_fio = kNoRequest},
      {.name = "memory",
       .what =
           "Memory of a process for each key, without mapped files: after the store was opened, and after "
           "every key was read once, which fills the caches. With few keys, most of it does not depend on "
           "their number.",
       .dimension = "readers",
       .depths = {1},
       .quick_depths = {1},
       .sizes = {100, 4 * kKi},
       .quick_sizes = {100, 4 * kKi},
       .metrics = {{"after-open", "bytes a key", Better::kLower},
                   {"after-reads", "bytes a key", Better::kLower}},
       .run = MemoryPerKey,
       .without_fio = kNoRequest},
  };
}

}  // namespace

const std::vector<Workload>& Workloads() {
  static const std::vector<Workload> all = [] {
    std::vector<Workload> out;
    for (const auto& part : {Reads(), Writes(), Mixes(), Versions()}) {
      out.insert(out.end(), part.begin(), part.end());
    }
    return out;
  }();
  return all;
}

}  // namespace rawkv::bench
