#include "engine/space/allocation_txn.h"

#include <gtest/gtest.h>

#include "tests/support/expect_status.h"
#include "tests/support/temp_dir.h"

namespace rawkv {
namespace {

class AllocationTxnTest : public testing::Test {
 protected:
  void SetUp() override {
    Result<std::unique_ptr<KeyIndex>> index =
        KeyIndex::Open({.dir = temp_.File("index"), .create = true, .fs = nullptr});
    ASSERT_OK(index);
    index_ = *std::move(index);
    batch_ = index_->NewBatch();
  }
  static Extent At(uint64_t first, uint64_t count) { return {SlotId(first), SlotCount(count)}; }
  static DeferredFree Deferred(uint64_t first, uint64_t count, uint64_t born, uint64_t freed) {
    return {At(first, count), Version(born), Version(freed)};
  }
  void Defer(uint64_t first, uint64_t count, uint64_t born, uint64_t freed) {
    EXPECT_OK(txn_.Defer(At(first, count), Version(born), Version(freed), *batch_));
  }
  std::vector<DeferredFree> FreedBy(uint64_t version) {
    Result<std::vector<DeferredFree>> found = batch_->DeferredFreedBy(Version(version));
    EXPECT_OK(found);
    return found.ok() ? *std::move(found) : std::vector<DeferredFree>();
  }

  const TempDir temp_;
  std::unique_ptr<KeyIndex> index_;
  std::unique_ptr<IndexBatch> batch_;
  AllocationTxn txn_{10'000, [this](uint64_t page) { return index_->Page(page); }};
};

TEST_F(AllocationTxnTest, ExtentsThatFollowEachOtherBecomeOneDeferredFree) {
  ASSERT_OK(txn_.Take(At(100, 50), *batch_));
  Defer(100, 2, 1, 9);
  Defer(102, 3, 1, 9);
  Defer(105, 1, 2, 9);  // another version wrote it
  Defer(107, 1, 2, 9);  // not next to the one before
  Defer(106, 1, 2, 9);  // in front of the one before
  Defer(110, 1, 2, 8);
  Defer(111, 1, 2, 9);  // another version freed it
  txn_.Finish(*batch_);
  EXPECT_EQ(FreedBy(9), (std::vector{Deferred(100, 5, 1, 9), Deferred(105, 1, 2, 9), Deferred(106, 1, 2, 9),
                                     Deferred(107, 1, 2, 9), Deferred(111, 1, 2, 9)}));
  EXPECT_EQ(FreedBy(8), std::vector{Deferred(110, 1, 2, 8)});
  EXPECT_EQ(txn_.live_delta(), 50 - 10);
}

TEST_F(AllocationTxnTest, ReviveOfOneExtentLeavesTheOthersOfTheSameDeferredFree) {
  ASSERT_OK(txn_.Take(At(250, 10), *batch_));
  for (uint64_t slot = 250; slot < 260; slot += 2) Defer(slot, 2, 1, 9);  // crosses a multiple of 256
  ASSERT_OK(txn_.Revive(At(254, 4), *batch_));
  EXPECT_EQ(FreedBy(9), (std::vector{Deferred(250, 4, 1, 9), Deferred(258, 2, 1, 9)}));
  for (const uint64_t slot : {250, 252, 258}) ASSERT_OK(txn_.Revive(At(slot, 2), *batch_));
  txn_.Finish(*batch_);
  EXPECT_TRUE(FreedBy(9).empty());
  EXPECT_EQ(txn_.live_delta(), 10);
}

TEST_F(AllocationTxnTest, TakeOfDeferredSlotsSeesAnEntryThatIsNotInTheBatchYet) {
  ASSERT_OK(txn_.Take(At(10, 4), *batch_));
  Defer(10, 2, 1, 9);
  Defer(12, 2, 1, 9);
  ASSERT_OK(txn_.Take(At(11, 1), *batch_));
  txn_.Finish(*batch_);
  EXPECT_EQ(FreedBy(9), (std::vector{Deferred(10, 1, 1, 9), Deferred(12, 2, 1, 9)}));
  EXPECT_EQ(txn_.taken_delta(), 4);
}

}  // namespace
}  // namespace rawkv
