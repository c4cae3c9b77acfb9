#include <signal.h>

#include <algorithm>
#include <cstdio>

#include "engine/cache/object_cache.h"
#include "tests/bench/bench_store.h"

namespace rawkv::bench {
namespace {

constexpr uint64_t kObjects = 524'288;
constexpr uint64_t kValueBytes = 4096;
constexpr int kOpens = 5;

ObjectCacheOptions OptionsOf(const std::string& dir) {
  ObjectCacheOptions options;
  options.directory = dir;
  options.device_bytes = (kObjects + kObjects / 4) * kValueBytes;
  options.slot_bytes = kValueBytes;
  options.durability = Durability::kUnsafeUnsynced;
  options.env.logger = &NullLogger();
  return options;
}

// As long as a key of LMCache: 97 bytes.
std::string KeyOf(uint64_t n) {
  char key[128];
  std::snprintf(key, sizeof(key), "meta-llama/Llama-3-70B@00000000@0@%032llx%032llx",
                static_cast<unsigned long long>(n * 0x9e3779b97f4a7c15), static_cast<unsigned long long>(n));
  return key;
}

// Puts the objects from `first` on, in batches of 256.
void PutObjects(ObjectSession& session, uint64_t first, uint64_t count) {
  const std::string value(kValueBytes, 'v');
  for (uint64_t n = first; n < first + count; n += 256) {
    std::vector<std::string> keys;
    for (uint64_t i = 0; i < 256; ++i) keys.push_back(KeyOf(n + i));
    std::vector<ObjectPut> puts;
    for (const std::string& key : keys) puts.push_back({key, AsBytes(value)});
    CheckOk(session.SubmitPut(puts).status(), "put");
    ObjectCompletion done;
    while (session.Drain(std::span(&done, 1)) == 0) (void)session.Wait(-1);
    CheckOk(done.status, "put");
  }
}

}  // namespace

void CacheTail(const std::string& dir) {
  const auto cache = CheckOk(ObjectCache::Open(OptionsOf(dir)), "open");
  const auto session = CheckOk(cache->OpenSession("bench"), "session");
  const uint64_t there = cache->Usage().objects;
  PutObjects(*session, there, there == 0 ? kObjects - kOpens * 4096 : 4096);
  CheckOk(cache->SaveRecency(), "order");
  ::raise(SIGKILL);
}

void BenchCacheOpen() {
  BenchStore store("cache", {.capacity_bytes = 1 << 20});
  const std::string dir = store.dir() + "/cache";
  RunSelfUntilKilled("--cache-tail", dir);
  std::printf("| after | objects | open, ms | close, ms |\n| --- | --- | --- | --- |\n");
  for (const bool killed : {true, false}) {
    for (int i = 0; i < kOpens; ++i) {
      if (killed) RunSelfUntilKilled("--cache-tail", dir);
      std::unique_ptr<ObjectCache> cache;
      const double all = SecondsOf([&] { cache = CheckOk(ObjectCache::Open(OptionsOf(dir)), "open"); });
      const uint64_t objects = cache->Usage().objects;
      const double close = SecondsOf([&] { CheckOk(cache->Close(), "close"); });
      std::printf("| %s | %lu | %.0f | %.0f |\n", killed ? "a kill" : "a close", objects, all * 1e3,
                  close * 1e3);
    }
  }
}

}  // namespace rawkv::bench
