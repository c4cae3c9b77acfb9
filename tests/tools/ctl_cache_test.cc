// The commands of a cache, on a closed one and through the process that has it open.

#include "engine/cache/object_cache.h"
#include "tests/support/expect_status.h"
#include "tests/tools/ctl_fixture.h"

namespace rawkv::ctl {
namespace {

class CtlCache : public CtlTest {
 protected:
  CtlCache() {
    options_.directory = store();
    options_.device_bytes = 4 << 20;
    options_.slot_bytes = 4096;
    options_.env.logger = &NullLogger();
  }
  std::unique_ptr<ObjectCache> Open() {
    Result<std::unique_ptr<ObjectCache>> cache = ObjectCache::Open(options_);
    EXPECT_OK(cache);
    return *std::move(cache);
  }
  // Stores `count` objects of one slot: model@0, model@1, …
  static void Fill(ObjectCache& cache, int count) {
    const std::unique_ptr<ObjectSession> session = *cache.OpenSession("test");
    const std::string value(4096, 'v');
    for (int i = 0; i < count; ++i) {
      const std::string key = "model@" + std::to_string(i);
      const ObjectPut put{.key = key, .value = AsBytes(value)};
      ASSERT_OK(session->SubmitPut(std::span(&put, 1)));
      ObjectCompletion done;
      while (session->Drain(std::span(&done, 1)) == 0) ASSERT_TRUE(session->Wait(60'000));
      ASSERT_EQ(done.answers[0].verdict, ObjectVerdict::kDone);
    }
  }

  ObjectCacheOptions options_;
};

TEST_F(CtlCache, ClosedCacheIsReadAndEvicted) {
  std::unique_ptr<ObjectCache> cache = Open();
  Fill(*cache, 12);
  ASSERT_OK(cache->Close());
  const Json stats = OkJson({"cache", "stats", "--prefix=model@1"});
  EXPECT_EQ(Fields(stats), (std::vector<std::string>{"stats", "usage", "pins"}));
  EXPECT_EQ(stats["stats"]["objects"], 12);
  EXPECT_EQ(stats["stats"]["bytes"], 12 * 4096);
  EXPECT_EQ(stats["usage"], Json({{"objects", 3}, {"bytes", 3 * 4096}}));
  EXPECT_EQ(OkJson({"cache", "evict", "--size=20KiB"}), Json({{"evicted_bytes", 20480}}));
  EXPECT_EQ(OkJson({"cache", "stats"})["stats"]["objects"], 7);
  EXPECT_TRUE(EndedWith(Run({"get", "model@0"}), 1, "")) << "the oldest object goes first";
  EXPECT_EQ(Ok({"get", "model@5"}), std::string(4096, 'v'));
  EXPECT_TRUE(EndedWith(Run({"cache", "pin", "model@5"}), 3, "no process has the cache open"));
  EXPECT_TRUE(EndedWith(Run({"cache", "evict"}), 2, "--size"));
}

TEST_F(CtlCache, RunningCacheIsAsked) {
  std::unique_ptr<ObjectCache> cache = Open();
  Fill(*cache, 12);
  EXPECT_EQ(OkJson({"cache", "pin", "model@3"}), Json({{"done", true}}));
  EXPECT_EQ(Run({"cache", "pin", "none"}).status, 1);
  const Json pins = OkJson({"cache", "stats"})["pins"];
  EXPECT_EQ(pins, Json::array({{{"key", "model@3"}, {"owner", "operator"}, {"count", 1}}}));
  EXPECT_EQ(OkJson({"cache", "evict", "--size=1GiB"}), Json({{"evicted_bytes", 11 * 4096}}));
  EXPECT_NE(Ok({"cache", "stats", "--prefix=model"}).find("keys with model: 1 object"), std::string::npos);
  const std::string metrics = Ok({"cache", "stats", "--prometheus"});
  EXPECT_NE(metrics.find("# TYPE rawkv_cache_evicted_total counter\nrawkv_cache_evicted_total{store=\""),
            std::string::npos);
  EXPECT_NE(metrics.find("# TYPE rawkv_cache_objects gauge\n"), std::string::npos);
  EXPECT_EQ(Ok({"cache", "unpin", "model@3"}), "done\n");
  EXPECT_EQ(Run({"cache", "unpin", "model@3"}).status, 1);
  ASSERT_OK(cache->Close());
}

TEST_F(CtlCache, StoreThatIsNoCacheIsLeftAlone) {
  Format();
  Commit(3);
  EXPECT_TRUE(EndedWith(Run({"cache", "stats"}), 3, "not that of a cache"));
  EXPECT_TRUE(EndedWith(Run({"cache", "evict", "--size=1MiB"}), 3, "not that of a cache"));
  EXPECT_EQ(Ok({"get", "k1"}), ValueAt(1));
}

}  // namespace
}  // namespace rawkv::ctl
