// Random operations against a model, with clean restarts and kills. RAWKV_TEST_SEED.

#include <cstdlib>
#include <random>

#include "tests/engine/cache/cache_fixture.h"

namespace rawkv {
namespace {

// Without pressure, so that only the model's deletes remove objects.
TEST_F(CacheTest, RandomOperationsAgreeWithTheModel) {
  const char* const chosen = std::getenv("RAWKV_TEST_SEED");
  const uint64_t seed = chosen != nullptr ? std::strtoull(chosen, nullptr, 10) : 1;
  std::mt19937_64 random(seed);
  Open();
  std::map<std::string, std::string> model;
  for (uint64_t step = 0; step < 1500; ++step) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", step " + std::to_string(step));
    const auto pick = [&] { return "key" + std::to_string(random() % 60); };
    switch (random() % 8) {
      case 0:
      case 1:
      case 2: {
        std::map<std::string, std::string> batch;
        for (uint64_t i = 0; i <= random() % 5; ++i) {
          const std::string key = pick();
          batch[key] = ValueOf(key, step, 8 + random() % 20'000);
        }
        const ObjectCompletion done = PutAll({batch.begin(), batch.end()});
        size_t i = 0;
        for (const auto& [key, value] : batch) {
          const bool added = model.emplace(key, value).second;
          ASSERT_EQ(done.answers[i++].verdict, added ? ObjectVerdict::kDone : ObjectVerdict::kExisted) << key;
        }
        break;
      }
      case 3:
      case 4: {
        const std::string key = pick();
        ASSERT_EQ(Get(key), model.contains(key) ? model[key] : "") << key;
        break;
      }
      case 5: {
        const std::string key = pick();
        ASSERT_EQ(Delete(key).verdict, model.erase(key) != 0 ? ObjectVerdict::kDone : ObjectVerdict::kMiss);
        break;
      }
      case 6: {
        const std::string key = pick();
        ASSERT_EQ(Has(key), model.contains(key));
        break;
      }
      case 7:
        if (random() % 20 == 0) random() % 2 == 0 ? Reopen() : ReopenKilled();
        break;
    }
    ObjectUsage usage;
    for (const auto& [key, value] : model) {
      ++usage.objects;
      usage.bytes += value.size();
    }
    ASSERT_EQ(cache_->Usage(), usage);
  }
  for (const auto& [key, value] : model) EXPECT_EQ(Get(key), value);
}

}  // namespace
}  // namespace rawkv
