// Threads put, read, delete, pin and evict the same keys. Every value that a read returns is a value of its
// key.

#include <atomic>
#include <random>
#include <thread>

#include "tests/engine/cache/cache_fixture.h"

namespace rawkv {
namespace {

constexpr int kKeys = 60;

class CacheRaceTest : public CacheTest {
 protected:
  // One thread: random batches through a session of its own, several operations at a time.
  void Work(uint64_t seed, uint64_t rounds) {
    std::mt19937_64 random(seed);
    Result<std::unique_ptr<ObjectSession>> opened = cache_->OpenSession("worker " + std::to_string(seed));
    ASSERT_OK(opened);
    ObjectSession& session = **opened;
    for (uint64_t round = 0; round < rounds; ++round) {
      std::vector<std::string> keys(3), values(3);
      std::vector<std::string> buffers(3, std::string(8 * kSlot, '\0'));
      for (size_t i = 0; i < keys.size(); ++i) {
        // Each thread walks the keys, so that all of them store, evict and read the same ones.
        keys[i] = "key" + std::to_string((random() % 8 + round / 4 + 20 * i) % kKeys);
        values[i] = ValueOf(keys[i], random(), kSlot * (1 + random() % 7) - random() % 500);
      }
      std::vector<ObjectPut> puts;
      std::vector<SessionRead> reads;
      std::vector<std::string_view> names;
      for (size_t i = 0; i < keys.size(); ++i) {
        puts.push_back({keys[i], AsBytes(values[i])});
        reads.push_back({keys[i], std::as_writable_bytes(std::span(buffers[i]))});
        names.push_back(keys[i]);
      }
      size_t under_way = 0;
      const auto submitted = [&](const Result<uint64_t>& id) { under_way += IsOk(id) ? 1 : 0; };
      submitted(session.SubmitPut(puts));
      submitted(session.SubmitGet(reads));
      if (random() % 4 == 0) submitted(session.SubmitDelete(names));
      if (random() % 4 == 0) submitted(session.SubmitExists(names, /*pin=*/true));
      while (under_way != 0) {
        ObjectCompletion done;
        while (session.Drain(std::span(&done, 1)) == 0) ASSERT_TRUE(session.Wait(60'000));
        --under_way;
        for (size_t i = 0; i < done.answers.size(); ++i) {
          const ObjectAnswer& answer = done.answers[i];
          if (answer.verdict == ObjectVerdict::kFailed)
            ADD_FAILURE() << keys[i] << ": " << answer.status.ToString();
          if (done.op != ObjectOp::kGet || answer.verdict != ObjectVerdict::kDone) continue;
          ++hits_;
          const std::string_view read(buffers[i].data(), answer.bytes);
          if (const std::string wrong = DiffObject(keys[i], read); !wrong.empty())
            ADD_FAILURE() << keys[i] << ": " << wrong;
        }
      }
      for (const std::string_view name : names) {
        while (*session.Unpin(name)) {
        }
      }
    }
  }

  std::atomic<uint64_t> hits_{0};
};

TEST_F(CacheRaceTest, ReadsNeverSeeTheBytesOfAnotherKey) {
  options_.device_bytes = 640 << 10;  // about 30 objects: every key is evicted and stored again many times
  options_.trigger_watermark = 1;
  Open();
  std::atomic<bool> stop{false};
  std::thread evictor([&] {
    while (!stop) {
      EXPECT_OK(cache_->Evict(4 * kSlot));
      (void)cache_->Usage("key1");
      (void)cache_->Pins();
      EXPECT_OK(cache_->Scan("", "", 10));
      EXPECT_OK(cache_->SaveRecency());
    }
  });
  std::vector<std::thread> workers;
  for (uint64_t seed = 1; seed <= 4; ++seed) workers.emplace_back([this, seed] { Work(seed, 400); });
  for (std::thread& worker : workers) worker.join();
  stop = true;
  evictor.join();
  EXPECT_GT(hits_, 100u);
  const ObjectCacheStats stats = cache_->stats();
  EXPECT_GT(stats.evicted, 100u);
  EXPECT_EQ(stats.pins, 0u);
  ReopenKilled();
}

}  // namespace
}  // namespace rawkv
