// A cache whose filesystem fails: each operation gets its answer, the state in memory stays that of the
// store, and a full filesystem does not empty the cache.

#include "tests/engine/cache/cache_fixture.h"
#include "tests/support/fault_fs.h"

namespace rawkv {
namespace {

class CacheFaultsTest : public CacheTest {
 protected:
  CacheFaultsTest() { options_.env.fs = &faults_; }
  static bool IsLog(const FaultFs::Operation& operation) {
    return operation.path.find("/wal/") != std::string::npos;
  }

  FaultFs faults_{PosixFs()};
};

TEST_F(CacheFaultsTest, FailedSyncFailsThePutAndKeepsTheReads) {
  Open();
  Put("old", ValueOf("old", 0, kSlot));
  faults_.Arm({.reach = FaultFs::Reach::kMatching, .matches = IsLog});
  const ObjectAnswer failed = Put("new", ValueOf("new", 0, kSlot));
  EXPECT_EQ(failed.verdict, ObjectVerdict::kFailed);
  EXPECT_FALSE(failed.status.ok());
  EXPECT_EQ(Get("old"), ValueOf("old", 0, kSlot));
  EXPECT_FALSE(Has("new"));
  const std::string value = "v";
  const ObjectPut put{.key = "more", .value = AsBytes(value)};
  EXPECT_STATUS(session_->SubmitPut(std::span(&put, 1)), StatusCode::kPoisoned);
  const std::string_view old = "old";
  EXPECT_STATUS(session_->SubmitDelete(std::span(&old, 1)), StatusCode::kPoisoned);
  EXPECT_EQ(Get("old"), ValueOf("old", 0, kSlot)) << "the refused delete changed nothing";
  EXPECT_EQ(cache_->Usage(), (ObjectUsage{1, kSlot}));
  session_.reset();
  EXPECT_FALSE(cache_->Close().ok());
  cache_.reset();
  faults_.Disarm();
  Open();
  EXPECT_EQ(Get("old"), ValueOf("old", 0, kSlot));
  EXPECT_EQ(Put("more", ValueOf("more", 0, kSlot)).verdict, ObjectVerdict::kDone);
}

// Without room for its log the store answers kNoSpace, as it does on a full device. Evictions do not help
// then.
TEST_F(CacheFaultsTest, FullFilesystemDoesNotEmptyTheCache) {
  options_.device_bytes = 64 << 20;
  Open();
  for (int i = 0; i < 40; ++i) {
    const std::string key = "key" + std::to_string(i);
    Put(key, ValueOf(key, 0, kSlot));
  }
  // New blocks for the log; deletes may spend the reserve, so evictions would succeed.
  faults_.Arm(
      {.status = Status::NoSpace("injected"),
       .reach = FaultFs::Reach::kMatching,
       .matches = [](const auto& operation) { return operation.name == "zerofill" && IsLog(operation); }});
  // The first batches still fit what the segment has.
  Status refused;
  for (int i = 0; i < 40 && refused.ok(); ++i) {
    std::vector<std::pair<std::string, std::string>> batch;
    for (int n = 0; n < 100; ++n)
      batch.emplace_back(std::string(30'000, 'k') + std::to_string(100 * i + n), "");
    refused = PutAll(batch).status;
  }
  faults_.Disarm();
  EXPECT_STATUS(refused, StatusCode::kNoSpace, "filesystem");
  EXPECT_EQ(cache_->stats().evicted, 0u);
  EXPECT_EQ(cache_->Usage("key0").objects, 1u);
}

}  // namespace
}  // namespace rawkv
