// Reads of small values that are in memory, next to RocksDB and LMDB with as much memory.

#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>

#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/fs_ops.h"
#include "tests/bench/bench_store.h"
#ifdef RAWKV_BENCH_LMDB
#include <lmdb.h>
#endif

namespace rawkv::bench {
namespace {

constexpr uint64_t kKeys = 100'000;
constexpr uint64_t kValueBytes = 100;
constexpr uint64_t kMemory = 64 << 20;  // of each peer, beyond write buffers
constexpr uint64_t kGets = 200'000;     // of one thread in one round
constexpr int kRounds = 9;

std::string KeyOf(uint64_t i) {
  return "key-" + std::to_string(1'000'000'000 + i);
}

// Something that reads a key to a string.
struct Peer {
  std::string name;
  std::function<void(const std::string& key, std::string* value)> get;
  std::vector<double> nanoseconds = {};  // of one get, one number for each round
};

void Require(bool ok, const char* what) {
  CheckOk(ok ? Status::Ok() : Status::Internal("failed"), what);
}

std::unique_ptr<rocksdb::DB> OpenRocksdb(const std::string& dir) {
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::BlockBasedTableOptions table;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.block_cache = rocksdb::NewLRUCache(kMemory);
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  rocksdb::DB* db = nullptr;
  Require(rocksdb::DB::Open(options, dir, &db).ok(), "RocksDB");
  std::unique_ptr<rocksdb::DB> out(db);
  for (uint64_t i = 0; i < kKeys; ++i) {
    Require(db->Put({}, KeyOf(i), std::string(kValueBytes, 'v')).ok(), "RocksDB put");
  }
  Require(db->Flush({}).ok(), "RocksDB flush");
  return out;
}

#ifdef RAWKV_BENCH_LMDB
// An environment with all keys. Each thread keeps one read transaction, which it renews for each get.
class Lmdb {
 public:
  explicit Lmdb(const std::string& dir) {
    Require(mdb_env_create(&env_) == 0 && mdb_env_set_mapsize(env_, 1ull << 30) == 0, "LMDB");
    std::filesystem::create_directory(dir);
    Require(mdb_env_open(env_, dir.c_str(), MDB_NOSYNC, 0600) == 0, "LMDB open");
    MDB_txn* txn = nullptr;
    Require(mdb_txn_begin(env_, nullptr, 0, &txn) == 0 && mdb_dbi_open(txn, nullptr, 0, &dbi_) == 0, "LMDB");
    const std::string value(kValueBytes, 'v');
    for (uint64_t i = 0; i < kKeys; ++i) {
      const std::string key = KeyOf(i);
      MDB_val k = ValueOf(key), v = ValueOf(value);
      Require(mdb_put(txn, dbi_, &k, &v, 0) == 0, "LMDB put");
    }
    Require(mdb_txn_commit(txn) == 0, "LMDB commit");
  }
  ~Lmdb() { mdb_env_close(env_); }
  void Get(const std::string& key, std::string* value) {
    thread_local MDB_txn* txn = nullptr;
    if (txn == nullptr) {
      Require(mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn) == 0, "LMDB begin");
    } else {
      Require(mdb_txn_renew(txn) == 0, "LMDB renew");
    }
    MDB_val k = ValueOf(key), v{};
    Require(mdb_get(txn, dbi_, &k, &v) == 0, "LMDB get");
    value->assign(static_cast<const char*>(v.mv_data), v.mv_size);
    mdb_txn_reset(txn);
  }

 private:
  static MDB_val ValueOf(const std::string& bytes) { return {bytes.size(), const_cast<char*>(bytes.data())}; }
  MDB_env* env_ = nullptr;
  MDB_dbi dbi_ = 0;
};
#endif

std::unique_ptr<Engine> OpenFilled(const BenchStore& store, uint64_t value_cache_bytes) {
  OpenOptions options;
  options.env.logger = &NullLogger();
  options.block_cache_bytes = kMemory - value_cache_bytes;
  options.value_cache_bytes = value_cache_bytes;
  std::unique_ptr<Engine> engine = store.Open(options);
  for (uint64_t i = 0; i < kKeys;) {
    WriteBatch batch;
    for (int k = 0; k < 1000; ++k) batch.Put(KeyOf(i++), std::string(kValueBytes, 'v'));
    CheckOk(engine->Commit(batch).status, "fill");
  }
  CheckOk(engine->CreateSnapshot().status(), "snapshot");  // moves the keys from the memtable into tables
  return engine;
}

void Measure(Peer& peer, const std::vector<std::string>& keys, int threads) {
  const auto read = [&](uint64_t thread) {
    std::string value;
    for (uint64_t i = 0; i < kGets; ++i) peer.get(keys[(i * 7919 + thread * 12'345) % kKeys], &value);
    Require(value.size() == kValueBytes, "a value has the wrong length");
  };
  const double seconds = SecondsOf([&] {
    std::vector<std::thread> others;
    for (int t = 1; t < threads; ++t) others.emplace_back(read, t);
    read(0);
    for (std::thread& other : others) other.join();
  });
  peer.nanoseconds.push_back(seconds * 1e9 / static_cast<double>(kGets));
}

}  // namespace

void BenchHotReads() {
  BenchStore plain_store("hot", {.capacity_bytes = 1ull << 28});
  BenchStore cached_store("hot-cached", {.capacity_bytes = 1ull << 28});
  const std::unique_ptr<Engine> plain = OpenFilled(plain_store, 0);
  const std::unique_ptr<Engine> cached = OpenFilled(cached_store, kMemory / 2);
  const std::unique_ptr<rocksdb::DB> rocks = OpenRocksdb(JoinPath(plain_store.dir(), "rocksdb"));
  const auto get_from = [](Engine& engine) {
    return [&engine](const std::string& key, std::string* value) {
      *value = CheckOk(engine.Get(key), "get").bytes;
    };
  };
  std::vector<Peer> peers;
  peers.push_back({"RocksDB", [&](const std::string& key, std::string* value) {
                     Require(rocks->Get({}, key, value).ok(), "RocksDB get");
                   }});
  peers.push_back({"rawkv", get_from(*plain)});
  peers.push_back({"rawkv, half of it for value_cache_bytes", get_from(*cached)});
#ifdef RAWKV_BENCH_LMDB
  Lmdb lmdb(JoinPath(plain_store.dir(), "lmdb"));
  peers.push_back({"LMDB", [&](const std::string& key, std::string* value) { lmdb.Get(key, value); }});
#endif
  std::vector<std::string> keys;
  for (uint64_t i = 0; i < kKeys; ++i) keys.push_back(KeyOf(i));
  std::printf(
      "%lu keys, values of %lu bytes, %lu MiB of memory each; medians of %d interleaved rounds of %lu gets a "
      "thread\n\n| threads | reads from | ns a get | ratio to RocksDB |\n| --- | --- | --- | --- |\n",
      kKeys, kValueBytes, kMemory >> 20, kRounds, kGets);
  for (const int threads : {1, 2, 4, 8}) {
    for (Peer& peer : peers) peer.nanoseconds.clear();
    for (Peer& peer : peers) Measure(peer, keys, threads);  // warms the caches
    for (Peer& peer : peers) peer.nanoseconds.clear();
    for (int round = 0; round < kRounds; ++round) {
      for (Peer& peer : peers) Measure(peer, keys, threads);
    }
    for (const Peer& peer : peers) {
      std::vector<double> ratio;
      for (int i = 0; i < kRounds; ++i) ratio.push_back(peer.nanoseconds[i] / peers[0].nanoseconds[i]);
      std::printf("| %d | %s | %.0f | %.2f |\n", threads, peer.name.c_str(), Median(peer.nanoseconds),
                  Median(ratio));
    }
    std::fflush(stdout);
  }
}

}  // namespace rawkv::bench
