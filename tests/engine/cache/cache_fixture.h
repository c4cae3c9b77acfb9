#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/cache/object_cache.h"
#include "tests/engine/cache/object_values.h"
#include "tests/support/expect_status.h"
#include "tests/support/recording_logger.h"
#include "tests/support/standing_clock.h"
#include "tests/support/temp_dir.h"

namespace rawkv {

inline constexpr uint64_t kSlot = 4096;  // of the cache of a CacheTest

// A small cache on a real filesystem. TearDown closes it and checks that its store is undamaged and that
// its usage is that of the store.
class CacheTest : public testing::Test {
 protected:
  CacheTest();
  void TearDown() override;

  void Open();
  void Close();
  void Reopen();
  // Reopens as a killed process leaves the store: copies the directory of the idle cache, and opens the copy.
  void ReopenKilled();
  void ExpectWhole();
  // The objects of the store itself, by key.
  std::map<std::string, uint64_t> Stored();
  // Checks the cache's count of objects and bytes against the store's keys.
  void ExpectUsageOfTheStore();

  // Each runs one operation and waits for it.
  ObjectCompletion Run(const Result<uint64_t>& id);
  ObjectCompletion Run(const Result<uint64_t>& id, ObjectSession& session);
  ObjectCompletion PutAll(const std::vector<std::pair<std::string, std::string>>& objects,
                          std::optional<uint64_t> ttl = std::nullopt);
  ObjectAnswer Put(const std::string& key, const std::string& value,
                   std::optional<uint64_t> ttl = std::nullopt);
  // The value, or "" for a miss. Fails the test after any other answer.
  std::string Get(const std::string& key);
  bool Has(const std::string& key);
  ObjectAnswer Delete(const std::string& key);

  TempDir tmp_;
  RecordingLogger logger_;
  StandingClock clock_;
  ObjectCacheOptions options_;
  std::unique_ptr<ObjectCache> cache_;
  std::unique_ptr<ObjectSession> session_;
};

}  // namespace rawkv
