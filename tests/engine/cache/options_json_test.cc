#include <gtest/gtest.h>

#include "engine/cache/object_cache.h"
#include "tests/support/expect_status.h"

namespace rawkv {
namespace {

std::string With(const std::string& more) {
  return R"({"directory":"/cache","slot_bytes":65536)" + (more.empty() ? "" : "," + more) + "}";
}

TEST(CacheOptionsJson, DefaultsAreThoseOfTheFormat) {
  ASSERT_OK_AND_ASSIGN(const ObjectCacheOptions options, ObjectCacheOptions::FromJson(With("")));
  EXPECT_EQ(options.header_bytes, 4096u);
  EXPECT_EQ(options.capacity_bytes, 0u);
  EXPECT_EQ(options.device_cache, CacheMode::kDirect);
  EXPECT_EQ(options.engine, IoEngine::kAuto);
  EXPECT_EQ(options.eviction, EvictionKind::kLru);
  EXPECT_EQ(options.trigger_watermark, 0.9);
  EXPECT_EQ(options.eviction_ratio, 0.1);
  EXPECT_TRUE(options.evict);
  EXPECT_FALSE(options.start_empty);
  EXPECT_EQ(options.durability, Durability::kSynced);
}

TEST(CacheOptionsJson, EachKeyHasItsMeaning) {
  struct Row {
    std::string json;
    std::function<bool(const ObjectCacheOptions&)> holds;
  };
  using O = const ObjectCacheOptions&;
  const std::vector<Row> rows = {
      {R"("device_path":"/dev/nvme0n1")", [](O o) { return o.device == "/dev/nvme0n1"; }},
      {R"("capacity_bytes":1048576)", [](O o) { return o.capacity_bytes == 1 << 20; }},
      {R"("use_odirect":false)", [](O o) { return o.device_cache == CacheMode::kBuffered; }},
      {R"("block_align":8192)", [](O) { return true; }},
      {R"("header_bytes":0)", [](O o) { return o.header_bytes == 0; }},
      {R"("meta_total_bytes":268435456,"meta_magic":"LMCR","meta_version":1)", [](O) { return true; }},
      {R"("meta_checkpoint_interval_sec":5)", [](O o) { return o.recency_interval_seconds == 5; }},
      {R"("meta_enable_periodic":false)", [](O o) { return o.recency_interval_seconds == 0; }},
      {R"("meta_idle_quiet_ms":100,"meta_verify_on_load":true)", [](O) { return true; }},
      {R"("load_checkpoint_on_init":false)", [](O o) { return o.start_empty; }},
      {R"("enable_zero_copy":true)", [](O) { return true; }},
      {R"("io_engine":"posix")", [](O o) { return o.engine == IoEngine::kPosix; }},
      {R"("io_engine":"io_uring")", [](O o) { return o.engine == IoEngine::kIoUring; }},
      {R"("io_engine":"io_uring","use_uring_cmd":true,"device_path":"/dev/ng0n1","use_odirect":false)",
       [](O o) { return o.engine == IoEngine::kNvme && o.device_cache == CacheMode::kDirect; }},
      {R"("iouring_queue_depth":256)", [](O o) { return o.queue_depth == 256; }},
      {R"("max_data_transfer_size":131072)", [](O) { return true; }},
      {R"("num_store_workers":1,"num_lookup_workers":2,"num_load_workers":4)", [](O) { return true; }},
      {R"("eviction":{"eviction_policy":"LRU"})", [](O o) { return o.eviction == EvictionKind::kLru; }},
      {R"("eviction":{"eviction_policy":"SIEVE"})", [](O o) { return o.eviction == EvictionKind::kSieve; }},
      {R"("eviction":{"eviction_policy":"noop"})", [](O o) { return !o.evict; }},
      {R"("eviction":{"trigger_watermark":0.8,"eviction_ratio":0.2})",
       [](O o) { return o.trigger_watermark == 0.8 && o.eviction_ratio == 0.2; }},
      {R"("persist_enabled":true)", [](O) { return true; }},
      {R"("ttl_seconds":60,"quotas":{"a@":1024,"b@":2048},"durability":"unsafe_unsynced")",
       [](O o) {
         return o.ttl_seconds == 60 && o.quotas.size() == 2 && o.durability == Durability::kUnsafeUnsynced;
       }},
      {R"("format_if_missing":false,"device_bytes":1048576)",
       [](O o) { return !o.format_if_missing && o.device_bytes == 1 << 20; }},
  };
  for (const Row& row : rows) {
    const Result<ObjectCacheOptions> options = ObjectCacheOptions::FromJson(With(row.json));
    ASSERT_OK(options) << row.json;
    EXPECT_TRUE(row.holds(*options)) << row.json;
  }
}

TEST(CacheOptionsJson, RefusesByName) {
  struct Row {
    std::string json;
    std::vector<std::string> named;
  };
  const std::vector<Row> rows = {
      {"{", {"JSON"}},
      {"[]", {"object"}},
      {R"({"directory":"/c"})", {"slot_bytes", "required"}},
      {R"({"slot_bytes":65536})", {"directory"}},
      {With(R"("slots":1)"), {"slots", "unknown key"}},
      {With(R"("eviction":{"policy":"LRU"})"), {"eviction", "policy", "unknown key"}},
      {With(R"("capacity_bytes":-1)"), {"capacity_bytes", "-1"}},
      {With(R"("capacity_bytes":100)"), {"capacity_bytes", "slot_bytes"}},
      {With(R"("use_odirect":1)"), {"use_odirect", "true or false"}},
      {With(R"("device_path":7)"), {"device_path", "string"}},
      {With(R"("block_align":1000)"), {"block_align"}},
      {With(R"("block_align":131072)"), {"slot_bytes", "block_align"}},
      {With(R"("header_bytes":100)"), {"header_bytes"}},
      {With(R"("io_engine":"aio")"), {"io_engine", "aio"}},
      {With(R"("use_uring_cmd":true,"io_engine":"posix","device_path":"/dev/ng0n1")"),
       {"use_uring_cmd", "posix"}},
      {With(R"("use_uring_cmd":true,"device_path":"/dev/nvme0n1")"), {"use_uring_cmd", "/dev/ngXnY"}},
      {With(R"("iouring_queue_depth":0)"), {"iouring_queue_depth"}},
      {With(R"("eviction":{"eviction_policy":"IsolatedLRU"})"), {"IsolatedLRU", "quotas"}},
      {With(R"("eviction":{"eviction_policy":"FIFO"})"), {"eviction_policy", "SIEVE"}},
      {With(R"("eviction":{"trigger_watermark":1.1})"), {"trigger_watermark", "1.1"}},
      {With(R"("eviction":{"eviction_ratio":0})"), {"eviction_ratio"}},
      {With(R"("persist_enabled":false)"), {"persist_enabled"}},
      {With(R"("meta_enable_periodic":false,"meta_checkpoint_interval_sec":9)"),
       {"meta_checkpoint_interval_sec", "meta_enable_periodic"}},
      {With(R"("num_load_workers":0)"), {"num_load_workers"}},
      {With(R"("quotas":{"":5})"), {"quotas", "empty"}},
      {With(R"("quotas":{"a":"b"})"), {"quotas"}},
      {With(R"("durability":"fast")"), {"durability"}},
  };
  for (const Row& row : rows) {
    const Result<ObjectCacheOptions> options = ObjectCacheOptions::FromJson(row.json);
    EXPECT_EQ(options.status().code(), StatusCode::kInvalidArgument) << row.json;
    for (const std::string& name : row.named) {
      EXPECT_NE(options.status().ToString().find(name), std::string::npos)
          << row.json << ": " << options.status().ToString();
    }
  }
}

}  // namespace
}  // namespace rawkv
