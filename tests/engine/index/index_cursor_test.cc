#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "engine/index/key_index.h"
#include "tests/engine/index/index_samples.h"
#include "tests/support/temp_dir.h"

namespace rawkv {
namespace {

using namespace std::string_literals;

// An index with keys at the edges of byte order and of the key space. Half of them are flushed. The other key
// spaces hold entries too, so that a cursor that leaves the user keys is detected.
class IndexCursorTest : public ::testing::Test {
 protected:
  IndexCursorTest() : index_(CreateIndex(temp_.File("index"))) {
    const std::vector<std::string> keys = {"\0"s,     "\0\0"s,     "\0\xff"s,
                                           "a"s,      "a\0"s,      "a\0b"s,
                                           "ab"s,     "b"s,        "\x7f"s,
                                           "\x80"s,   "\xfe\xff"s, "\xff"s,
                                           "k"s,      "m"s,        std::string(300, 'k'),
                                           "\xff\0"s, "\xff\xff"s, "\xff\xff\xff\xff\xff\xff\xff\xff\xff"s};
    for (size_t i = 0; i < keys.size(); ++i) {
      Put(keys[i]);
      if (i == keys.size() / 2) Flush(*index_);
    }
    const auto batch = index_->NewBatch();
    batch->PutPage(0, {});
    batch->PutPage(UINT64_MAX, {});
    batch->PutDeferred(Deferred(1, 1, 1, 1));
    batch->PutMeta(MetaAt(1));
    EXPECT_TRUE(index_->Apply(*batch).ok());
  }

  void Put(const std::string& key) {
    const auto batch = index_->NewBatch();
    batch->PutEntry(key, InlineEntry(1, "value of " + key));
    EXPECT_TRUE(index_->Apply(*batch).ok());
    keys_.insert(key);
  }

  std::vector<std::string> Expected(const std::string& lower, const std::string& upper) const {
    std::vector<std::string> in;
    std::copy_if(keys_.begin(), keys_.end(), std::back_inserter(in),
                 [&](const std::string& key) { return key >= lower && (upper.empty() || key < upper); });
    return in;
  }

  std::vector<std::string> Walk(IndexCursor& cursor, bool forward) {
    std::vector<std::string> seen;
    for (forward ? cursor.SeekToFirst() : cursor.SeekToLast(); cursor.Valid();
         forward ? cursor.Next() : cursor.Prev()) {
      seen.emplace_back(cursor.key());
      const Result<IndexEntry> entry = cursor.entry();
      EXPECT_TRUE(entry.ok());
      EXPECT_EQ(*entry, InlineEntry(1, "value of " + seen.back()));
    }
    EXPECT_TRUE(cursor.status().ok());
    if (!forward) std::reverse(seen.begin(), seen.end());
    return seen;
  }

  const TempDir temp_;
  std::unique_ptr<KeyIndex> index_;
  std::set<std::string> keys_;
};

TEST_F(IndexCursorTest, WalksAllUserKeysAndNothingElse) {
  const auto cursor = index_->NewCursor("", "", nullptr);
  EXPECT_EQ(Walk(*cursor, true), Expected("", ""));
  EXPECT_EQ(Walk(*cursor, false), Expected("", ""));
}

TEST_F(IndexCursorTest, StaysInItsBoundsInBothDirections) {
  std::vector<std::string> bounds(keys_.begin(), keys_.end());
  bounds.insert(bounds.end(), {"", "a\0a"s, "c", "\xfe", "\xff\xfe", std::string(20, '\xff')});
  for (const std::string& lower : bounds) {
    for (const std::string& upper : bounds) {
      const auto cursor = index_->NewCursor(lower, upper, nullptr);
      EXPECT_EQ(Walk(*cursor, true), Expected(lower, upper)) << HexOf(lower) << " " << HexOf(upper);
      EXPECT_EQ(Walk(*cursor, false), Expected(lower, upper)) << HexOf(lower) << " " << HexOf(upper);
    }
  }
}

TEST_F(IndexCursorTest, SeeksTheFirstKeyAtOrAfterTheTarget) {
  std::vector<std::string> targets(keys_.begin(), keys_.end());
  targets.insert(targets.end(), {"", "a\0a"s, "c", std::string(20, '\xff')});
  for (const auto& [lower, upper] : {std::pair("", ""), std::pair("a", "\xff")}) {
    const std::vector<std::string> in = Expected(lower, upper);
    const auto cursor = index_->NewCursor(lower, upper, nullptr);
    for (const std::string& target : targets) {
      cursor->Seek(target);
      const auto want = std::lower_bound(in.begin(), in.end(), target);
      ASSERT_EQ(cursor->Valid(), want != in.end()) << HexOf(target);
      if (cursor->Valid()) {
        EXPECT_EQ(cursor->key(), *want) << HexOf(target);
      }
    }
  }
}

TEST_F(IndexCursorTest, ChangesDirectionAtAnyKey) {
  const std::vector<std::string> all = Expected("", "");
  const auto cursor = index_->NewCursor("", "", nullptr);
  std::mt19937_64 random(4711);
  size_t at = 0;
  cursor->SeekToFirst();
  for (int step = 0; step < 2000; ++step) {
    ASSERT_TRUE(cursor->Valid());
    ASSERT_EQ(cursor->key(), all[at]);
    const bool forward = at == 0 || (at + 1 < all.size() && random() % 2 == 0);
    forward ? cursor->Next() : cursor->Prev();
    at = forward ? at + 1 : at - 1;
  }
}

TEST_F(IndexCursorTest, SeesItsReadPointAndKeepsItAlive) {
  auto cursor = index_->NewCursor("", "", index_->TakeReadPoint());
  const auto present = index_->NewCursor("", "", nullptr);
  const std::vector<std::string> before = Expected("", "");
  Put("added later");
  Flush(*index_);
  EXPECT_EQ(Walk(*cursor, true), before);
  EXPECT_EQ(Walk(*present, true), before);  // the state when the cursor was made
  EXPECT_EQ(Walk(*index_->NewCursor("", "", nullptr), true), Expected("", ""));
}

}  // namespace
}  // namespace rawkv
