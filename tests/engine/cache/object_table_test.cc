#include "engine/cache_table/object_table.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <map>
#include <memory>
#include <random>
#include <string>

#include "engine/cache_table/eviction_policy.h"
#include "tests/support/sanitized.h"

namespace rawkv {
namespace {

TEST(ObjectTableTest, RandomInsertsAndErasesAgreeWithAMap) {
  std::mt19937_64 random(3);
  ObjectTable table;
  std::map<std::string, uint32_t> model;
  for (int step = 0; step < 200'000; ++step) {
    const uint64_t n = random() % 5000;
    std::string key = std::to_string(n);
    key.append(n % 97 == 0 ? ObjectTable::kMaxKeyBytes - key.size() : n % 50, 'k');
    const auto it = model.find(key);
    ASSERT_EQ(table.Find(key), it == model.end() ? ObjectTable::kNone : it->second);
    if (it == model.end()) {
      const uint32_t id = table.Insert(key);
      ASSERT_EQ(table.key(id), key);
      model.emplace(key, id);
    } else if (random() % 2 == 0) {
      table.Erase(it->second);
      model.erase(it);
    }
    ASSERT_EQ(table.size(), model.size());
  }
  for (const auto& [key, id] : model) EXPECT_EQ(table.key(id), key);
  EXPECT_LE(table.end(), 5000u) << "numbers of removed objects are used again";
}

// The memory of the cache for each object beyond its key: at most 40 bytes, also where the table has just
// grown.
TEST(ObjectTableTest, TakesAtMostFortyBytesBeyondTheKey) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer counts its own memory";
  for (const uint64_t objects : {524'288u, 700'000u}) {
    const struct mallinfo2 before = mallinfo2();
    auto table = std::make_unique<ObjectTable>();
    auto policy = std::make_unique<EvictionPolicy>(EvictionKind::kSieve);
    uint64_t key_bytes = 0;
    for (uint64_t n = 0; n < objects; ++n) {
      std::string key = "meta-llama/Llama-3-70B@00000000@0@" + std::to_string(n * 0x9e3779b97f4a7c15);
      key.resize(90 + n % 8, 'x');
      key += std::to_string(n);
      key_bytes += key.size();
      policy->Insert(table->Insert(key));
    }
    const struct mallinfo2 after = mallinfo2();
    const uint64_t taken = after.uordblks + after.hblkhd - before.uordblks - before.hblkhd;
    const double each = static_cast<double>(taken - key_bytes) / static_cast<double>(objects);
    std::printf("%lu objects: %.1f bytes each beyond the key\n", static_cast<unsigned long>(objects), each);
    EXPECT_LE(each, 40);
    EXPECT_GE(each, 28) << "the measurement misses memory";
  }
}

}  // namespace
}  // namespace rawkv
