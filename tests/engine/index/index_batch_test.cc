#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "engine/index/deferred_record.h"
#include "engine/index/key_index.h"
#include "tests/engine/index/index_samples.h"
#include "tests/support/expect_status.h"
#include "tests/support/temp_dir.h"

namespace rawkv {
namespace {

using Entries = std::map<std::string, IndexEntry>;
using DeferredBySlot = std::map<uint64_t, DeferredFree>;

std::vector<std::pair<std::string, IndexEntry>> Collect(IndexBatch& batch, const std::string& begin,
                                                        const std::string& end) {
  std::vector<std::pair<std::string, IndexEntry>> seen;
  const Status status = batch.ForEachKey(begin, end, [&](std::string_view key, const IndexEntry& entry) {
    seen.emplace_back(std::string(key), entry);
    return Status::Ok();
  });
  EXPECT_OK(status);
  return seen;
}

class IndexBatchTest : public ::testing::Test {
 protected:
  const TempDir temp_;
  std::unique_ptr<KeyIndex> index_ = CreateIndex(temp_.File("index"));
};

// A batch that is not read orders its changes by the first bytes in which the keys differ, so the keys here
// differ early, late, and in their length only. Clear begins a new batch.
TEST_F(IndexBatchTest, OfABatchThatIsNotReadTheLastChangeOfEachKeyCounts) {
  std::mt19937_64 random(1);
  const auto key = [&](const std::string& prefix) {
    return prefix + std::string(random() % 12, "\0a"[random() % 2]) + std::to_string(random() % 20);
  };
  Entries expected;
  const auto batch = index_->NewBatch();
  for (const std::string prefix : {"", "one long prefix that all keys of the batch share/"}) {
    batch->Clear();
    for (uint64_t i = 0; i < 2000; ++i) {
      const std::string changed = key(prefix);
      if (random() % 3 == 0) {
        batch->DeleteEntry(changed);
        expected.erase(changed);
      } else {
        expected[changed] = InlineEntry(1, "change " + std::to_string(i));
        batch->PutEntry(changed, expected[changed]);
      }
    }
    batch->PutMeta(MetaAt(1));
    ASSERT_TRUE(index_->Apply(*batch).ok());
  }
  const auto reader = index_->NewBatch();
  const Entries found = [&] {
    const auto entries = Collect(*reader, "", "");
    return Entries(entries.begin(), entries.end());
  }();
  EXPECT_EQ(found, expected);
  EXPECT_EQ(AppliedVersion(*index_), 1u);
}

TEST_F(IndexBatchTest, ChangesAreVisibleOnlyInTheBatchUntilApplied) {
  const auto batch = index_->NewBatch();
  batch->PutEntry("a", InlineEntry(1, "one"));
  EXPECT_EQ(*batch->GetEntry("a"), InlineEntry(1, "one"));
  EXPECT_EQ(*index_->Get("a"), std::nullopt);
  ASSERT_TRUE(index_->Apply(*batch).ok());
  EXPECT_EQ(*index_->Get("a"), InlineEntry(1, "one"));
}

TEST_F(IndexBatchTest, TheLastMetaRecordWins) {
  const auto batch = index_->NewBatch();
  for (uint64_t version = 1; version <= 1000; ++version) batch->PutMeta(MetaAt(version));
  EXPECT_LT(batch->bytes(), 200u);  // the batch keeps only the last record
  EXPECT_GE(batch->bytes(), 58u);
  ASSERT_TRUE(index_->Apply(*batch).ok());
  EXPECT_EQ(AppliedVersion(*index_), 1000u);
}

TEST_F(IndexBatchTest, CountsItsBytes) {
  const auto batch = index_->NewBatch();
  EXPECT_LT(batch->bytes(), 64u);
  batch->PutEntry("a", InlineEntry(1, std::string(10'000, 'v')));
  EXPECT_GE(batch->bytes(), 10'000u);
  EXPECT_LT(batch->bytes(), 10'200u);
}

TEST_F(IndexBatchTest, AnErrorOfTheCallbackEndsTheWalk) {
  Commit(*index_, 1, "a", "one");
  Commit(*index_, 2, "b", "two");
  int calls = 0;
  const Status status = index_->NewBatch()->ForEachKey("", "", [&](std::string_view, const IndexEntry&) {
    ++calls;
    return Status::Busy("enough");
  });
  EXPECT_EQ(status.code(), StatusCode::kBusy);
  EXPECT_EQ(calls, 1);
}

TEST_F(IndexBatchTest, RangesCoverOnlyUserKeys) {
  const auto first = index_->NewBatch();
  first->PutEntry("\xff\xff", InlineEntry(1, "last"));
  first->PutPage(0, {});
  first->PutMeta(MetaAt(1));
  ASSERT_TRUE(index_->Apply(*first).ok());
  const auto batch = index_->NewBatch();
  batch->PutDeferred(Deferred(1, 1, 1, 1));
  batch->PutPage(9, {});
  EXPECT_EQ(Collect(*batch, "", "").size(), 1u);
  EXPECT_EQ(Collect(*batch, "\xff", "").size(), 1u);
  EXPECT_TRUE(Collect(*batch, "", "\xff").empty());
  EXPECT_TRUE(Collect(*batch, "z", "a").empty());
}

TEST_F(IndexBatchTest, OverlapIsFoundAtBothEdges) {
  const auto batch = index_->NewBatch();
  for (const uint64_t first : {10, 20, 30}) batch->PutDeferred(Deferred(first, 5, 1, 2));
  const auto firsts = [&](uint64_t first, uint64_t count) {
    const Result<std::vector<DeferredFree>> found =
        batch->DeferredOverlapping({SlotId(first), SlotCount(count)});
    EXPECT_TRUE(found.ok());
    std::vector<uint64_t> slots;
    for (const DeferredFree& entry : *found) slots.push_back(entry.extent.first.value());
    return slots;
  };
  using Slots = std::vector<uint64_t>;
  EXPECT_EQ(firsts(0, 10), Slots{});
  EXPECT_EQ(firsts(0, 11), Slots{10});
  EXPECT_EQ(firsts(14, 1), Slots{10});
  EXPECT_EQ(firsts(15, 5), Slots{});
  EXPECT_EQ(firsts(14, 17), (Slots{10, 20, 30}));
  EXPECT_EQ(firsts(20, 1), Slots{20});
  EXPECT_EQ(firsts(34, 100), Slots{30});
  EXPECT_EQ(firsts(35, 100), Slots{});
  EXPECT_EQ(firsts(0, 1000), (Slots{10, 20, 30}));
}

TEST_F(IndexBatchTest, LargeDeferredEntriesAreKeptInPieces) {
  const DeferredFree whole = Deferred(250, 600, 1, 2);
  const std::vector<DeferredFree> pieces = {Deferred(250, 6, 1, 2), Deferred(256, 256, 1, 2),
                                            Deferred(512, 256, 1, 2), Deferred(768, 82, 1, 2)};
  const auto batch = index_->NewBatch();
  batch->PutDeferred(whole);
  EXPECT_EQ(*batch->DeferredOverlapping(whole.extent), pieces);
  EXPECT_EQ(*batch->DeferredOverlapping({SlotId(300), SlotCount(1)}), std::vector{pieces[1]});
  batch->DeleteDeferred(pieces[1]);
  EXPECT_EQ(batch->DeferredOverlapping(whole.extent)->size(), 3u);
  batch->DeleteDeferred(whole);
  EXPECT_TRUE(batch->DeferredOverlapping(whole.extent)->empty());
}

// A replay removes entries in slot order. A search must not scan all entries that were removed before.
TEST_F(IndexBatchTest, SearchDoesNotScanDeletedEntries) {
  constexpr uint64_t kEntries = 100'000;
  auto batch = index_->NewBatch();
  for (uint64_t i = 0; i < kEntries; ++i) batch->PutDeferred(Deferred(i, 1, 1, 2));
  ASSERT_TRUE(index_->Apply(*batch).ok());
  batch = index_->NewBatch();
  for (uint64_t i = 0; i < kEntries; ++i) batch->DeleteDeferred(Deferred(i, 1, 1, 2));
  ASSERT_TRUE(index_->Apply(*batch).ok());
  batch = index_->NewBatch();
  const auto begun = std::chrono::steady_clock::now();
  for (uint64_t i = 0; i < 1000; ++i) {
    ASSERT_TRUE(batch->DeferredOverlapping({SlotId(kEntries - 1 - i), SlotCount(1)})->empty());
  }
  // Takes 0.05 s, but 70 s if each search scans all removed entries.
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(10));
}

TEST_F(IndexBatchTest, OverlapIncludesEntriesAppliedByOtherBatches) {
  const auto batch = index_->NewBatch();
  EXPECT_TRUE(batch->DeferredOverlapping({SlotId(0), SlotCount(100)})->empty());
  const auto other = index_->NewBatch();
  other->PutDeferred(Deferred(7, 1, 1, 1));
  ASSERT_TRUE(index_->Apply(*other).ok());
  EXPECT_EQ(batch->DeferredOverlapping({SlotId(0), SlotCount(100)})->size(), 1u);
}

// Applies or drops random batches over a small set of keys and slots. Compares each batch with maps while it
// grows, and the index afterwards.
class IndexBatchModel {
 public:
  IndexBatchModel(KeyIndex& index, uint64_t seed) : index_(index), random_(seed) {}

  void RunBatch(uint64_t version) {
    const Entries entries_before = entries_;
    const DeferredBySlot deferred_before = deferred_;
    const auto batch = index_.NewBatch();
    const uint64_t steps = 1 + Below(40);
    for (uint64_t step = 0; step < steps; ++step) Step(*batch, version);
    if (Below(2) == 0) CheckBatch(*batch);
    batch->PutMeta(MetaAt(version));
    if (Below(8) == 0) {  // dropped
      entries_ = entries_before;
      deferred_ = deferred_before;
    } else {
      ASSERT_TRUE(index_.Apply(*batch).ok());
    }
    CheckIndex();
    if (Below(6) == 0) Flush(index_);
  }

 private:
  uint64_t Below(uint64_t n) { return random_() % n; }

  std::string RandomKey() {
    static const std::vector<char> letters = {'\0', 'a', 'k', '\xff'};
    std::string key;
    for (uint64_t n = 1 + Below(3); n > 0; --n) key.push_back(letters[Below(letters.size())]);
    return key;
  }

  void Step(IndexBatch& batch, uint64_t version) {
    const std::string key = RandomKey();
    switch (Below(8)) {
      case 0:
      case 1:
        entries_[key] = InlineEntry(version, "value " + std::to_string(random_()));
        batch.PutEntry(key, entries_[key]);
        break;
      case 2:
        entries_[key] = PayloadEntry(version, Below(1000), 1 + Below(kPayloadChunkBytes * 3));
        batch.PutEntry(key, entries_[key]);
        break;
      case 3:
        entries_.erase(key);
        batch.DeleteEntry(key);
        break;
      case 4:
        DeleteRange(batch, key, Below(4) == 0 ? "" : RandomKey());
        break;
      case 5:
        PutDeferred(batch, version);
        break;
      case 6:
        TakeSlots(batch);
        break;
      default:
        CheckBatch(batch);
        break;
    }
  }

  bool InRange(const std::string& key, const std::string& begin, const std::string& end) const {
    return key >= begin && (end.empty() || key < end);
  }

  void DeleteRange(IndexBatch& batch, const std::string& begin, const std::string& end) {
    for (const auto& [key, entry] : Collect(batch, begin, end)) batch.DeleteEntry(key);
    std::erase_if(entries_, [&](const auto& item) { return InRange(item.first, begin, end); });
  }

  std::vector<DeferredFree> ModelOverlap(const Extent& extent) const {
    std::vector<DeferredFree> found;
    for (const auto& [first, entry] : deferred_) {
      if (entry.extent.Overlaps(extent)) found.push_back(entry);
    }
    return found;
  }

  Extent RandomExtent() { return {SlotId(Below(300)), SlotCount(1 + Below(12))}; }

  void AddDeferred(IndexBatch& batch, const DeferredFree& entry) {
    for (const DeferredFree& piece : BlockPieces(entry)) deferred_[piece.extent.first.value()] = piece;
    batch.PutDeferred(entry);
  }

  void PutDeferred(IndexBatch& batch, uint64_t version) {
    const Extent extent = RandomExtent();
    if (!ModelOverlap(extent).empty()) return;
    const DeferredFree entry{extent, Version(Below(version + 1)), Version(version)};
    AddDeferred(batch, entry);
  }

  // As an allocation does: removes the entries that overlap the extent, and puts back the parts outside it.
  void TakeSlots(IndexBatch& batch) {
    const Extent extent = RandomExtent();
    ASSERT_OK_AND_ASSIGN(const std::vector<DeferredFree> found, batch.DeferredOverlapping(extent));
    ASSERT_EQ(found, ModelOverlap(extent));
    for (const DeferredFree& entry : found) {
      batch.DeleteDeferred(entry);
      deferred_.erase(entry.extent.first.value());
      if (extent.end() >= entry.extent.end()) continue;
      AddDeferred(batch, {{extent.end(), entry.extent.end() - extent.end()}, entry.born, entry.freed});
    }
  }

  void CheckBatch(IndexBatch& batch) {
    const std::string key = RandomKey();
    const auto found = batch.GetEntry(key);
    ASSERT_TRUE(found.ok());
    const auto want = entries_.find(key);
    ASSERT_EQ(found->has_value(), want != entries_.end());
    if (found->has_value()) {
      ASSERT_EQ(**found, want->second);
    }

    const std::string begin = Below(3) == 0 ? "" : RandomKey();
    const std::string end = Below(3) == 0 ? "" : RandomKey();
    std::vector<std::pair<std::string, IndexEntry>> in;
    for (const auto& item : entries_) {
      if (InRange(item.first, begin, end)) in.emplace_back(item);
    }
    ASSERT_EQ(Collect(batch, begin, end), in);
    const Extent extent = RandomExtent();
    ASSERT_EQ(*batch.DeferredOverlapping(extent), ModelOverlap(extent));
  }

  void CheckIndex() {
    const auto cursor = index_.NewCursor("", "", nullptr);
    auto want = entries_.begin();
    for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next(), ++want) {
      ASSERT_NE(want, entries_.end());
      ASSERT_EQ(cursor->key(), want->first);
      ASSERT_EQ(*cursor->entry(), want->second);
    }
    ASSERT_TRUE(cursor->status().ok());
    ASSERT_EQ(want, entries_.end());

    std::vector<DeferredFree> by_version;
    for (const auto& [first, entry] : deferred_) by_version.push_back(entry);
    std::sort(by_version.begin(), by_version.end(), [](const DeferredFree& a, const DeferredFree& b) {
      return std::pair(a.freed, a.extent.first) < std::pair(b.freed, b.extent.first);
    });
    std::vector<DeferredFree> seen;
    ASSERT_TRUE(index_
                    .ForEachDeferred(Version(UINT64_MAX), std::nullopt,
                                     [&](const DeferredFree& entry) {
                                       seen.push_back(entry);
                                       return true;
                                     })
                    .ok());
    ASSERT_EQ(seen, by_version);
  }

  KeyIndex& index_;
  std::mt19937_64 random_;
  Entries entries_;
  DeferredBySlot deferred_;
};

TEST_F(IndexBatchTest, AgreesWithAModel) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const auto index = CreateIndex(temp_.File("model-" + std::to_string(seed)));
    IndexBatchModel model(*index, seed);
    for (uint64_t version = 1; version <= 120 && !HasFatalFailure(); ++version) model.RunBatch(version);
  }
}

}  // namespace
}  // namespace rawkv
