// What differs between two versions: the undo records, the log and a comparison of all keys give one answer.

#include <algorithm>

#include "tests/engine/engine_fixture.h"
#include "tests/support/sanitized.h"

namespace rawkv {
namespace {

class DiffTest : public EngineTest {
 protected:
  DiffTest() {
    format_.runtime.wal_segment_bytes = 64 * kKiB;
    format_.runtime.durability = Durability::kUnsafeUnsynced;
    format_.runtime.undo_versions = 30;
    format_.runtime.keep_recent = 2;
  }

  Result<std::vector<KeyDifference>> Find(DiffOptions options, DiffWay way = DiffWay::kCheapest) {
    std::vector<KeyDifference> found;
    options.way = way;
    const Status status = engine_->Diff(options, [&](const KeyDifference& difference) {
      found.push_back(difference);
      return Status::Ok();
    });
    if (!status.ok()) return status;
    return found;
  }

  // Compares the ways with each other, and counts in `used_` those that reach.
  void ExpectOneAnswer(const DiffOptions& options) {
    const Result<std::vector<KeyDifference>> expected = Find(options, DiffWay::kComparison);
    ASSERT_OK(expected);
    const auto names = [](const KeyDifference& d) { return d.key; };
    std::vector<std::string> keys;
    std::transform(expected->begin(), expected->end(), std::back_inserter(keys), names);
    EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
    for (const DiffWay way : {DiffWay::kUndo, DiffWay::kLog, DiffWay::kCheapest}) {
      const Result<std::vector<KeyDifference>> found = Find(options, way);
      if (found.status().code() == StatusCode::kFailedPrecondition && way != DiffWay::kCheapest) continue;
      ASSERT_OK(found);
      EXPECT_EQ(*found, *expected) << "way " << static_cast<int>(way) << ", " << options.from.value()
                                   << " to " << options.to.value() << ", from '" << options.lower << "' to '"
                                   << options.upper << "'";
      ++used_[way];
    }
  }

  std::string RandomKey(Rng& rng) { return "k" + std::to_string(rng.Below(40)); }
  void CommitRandom(Rng& rng) {
    WriteBatch batch;
    for (uint64_t op = rng.Below(8); op > 0; --op) {
      if (rng.OneIn(20)) {
        batch.DeletePrefix(rng.OneIn(5) ? "k" : RandomKey(rng));
      } else if (rng.OneIn(10)) {
        const std::string a = RandomKey(rng), b = RandomKey(rng);
        if (a != b) batch.DeleteRange(std::min(a, b), std::max(a, b));
      } else if (rng.OneIn(4)) {
        batch.Delete(RandomKey(rng));
      } else {
        batch.Put(RandomKey(rng), std::string(rng.OneIn(10) ? 5000 : rng.Below(30), 'v'));
      }
    }
    ASSERT_OK(engine_->Commit(batch));
  }
  void CompareAtRandom(Rng& rng) {
    VersionRanges ranges = Info().reachable;
    const auto pick = [&] {
      const auto& [first, last] = rng.OneIn(2) ? ranges.back() : rng.Pick(ranges);
      const uint64_t near = last.value() - std::min<uint64_t>(last.value(), 15);
      return Version(rng.Between(rng.OneIn(2) ? std::max(first.value(), near) : first.value(), last.value()));
    };
    DiffOptions options{.from = pick(), .to = pick()};
    if (rng.OneIn(3)) options.prefix = "k" + std::to_string(rng.Below(5));
    if (rng.OneIn(4)) options.lower = RandomKey(rng);
    if (rng.OneIn(4)) options.upper = RandomKey(rng);
    if (rng.OneIn(5)) options.limit = 1 + rng.Below(4);
    ExpectOneAnswer(options);
  }

  std::map<DiffWay, uint64_t> used_;
};

TEST_F(DiffTest, EachWayGivesTheSameAnswerOnRandomHistories) {
  FormatAndOpen();
  Rng rng(TestSeed(11));
  const uint64_t steps = TestSteps(Share(240, 60));
  for (uint64_t step = 0; step < steps && !HasFailure(); ++step) {
    CommitRandom(rng);
    if (rng.OneIn(25)) ASSERT_OK(engine_->CreateSnapshot());
    if (rng.OneIn(60)) ASSERT_OK(engine_->Pin("pin" + std::to_string(step)));
    if (rng.OneIn(90)) {
      const Version last = Info().reachable.back().second;
      ASSERT_OK(engine_->Rollback(Version(last.value() - std::min<uint64_t>(rng.Below(20), last.value())),
                                  {.drop_pins = true}));
    }
    if (rng.OneIn(12)) Reopen();
    CompareAtRandom(rng);
  }
  EXPECT_GT(used_[DiffWay::kUndo], steps / 20);
  EXPECT_GT(used_[DiffWay::kLog], steps / 5);
  EXPECT_EQ(used_[DiffWay::kCheapest], steps);
}

TEST_F(DiffTest, TheOtherDirectionSwapsTheSides) {
  FormatAndOpen();
  Put("a", "1");
  Put("b", "22");
  WriteBatch batch;
  batch.Delete("a");
  batch.Put("c", "333");
  ASSERT_OK(engine_->Commit(batch));
  using Found = std::vector<KeyDifference>;
  const KeyState a{1, Version(1)}, b{2, Version(2)}, c{3, Version(3)};
  EXPECT_EQ(*Find({.from = Version(1), .to = Version(3)}), (Found{{"a", a, {}}, {"b", {}, b}, {"c", {}, c}}));
  EXPECT_EQ(*Find({.from = Version(3), .to = Version(1)}), (Found{{"a", {}, a}, {"b", b, {}}, {"c", c, {}}}));
  EXPECT_EQ(*Find({.from = Version(1), .to = Version(3), .limit = 1}), (Found{{"a", a, {}}}));
  EXPECT_EQ(*Find({.from = Version(2), .to = Version(2)}), Found());
  EXPECT_EQ(*Find({.from = Version(1), .to = Version(3), .lower = "b", .upper = "a"}), Found());
}

TEST_F(DiffTest, RefusesVersionsThatAreNotKept) {
  format_.runtime.keep_recent = 0;
  FormatAndOpen();
  Overwrite("k", 10);
  ASSERT_OK(engine_->CreateSnapshot());
  Reopen();  // the index still has the undo records of the versions that are gone
  for (const DiffWay way : {DiffWay::kCheapest, DiffWay::kComparison}) {
    EXPECT_STATUS(Find({.from = Version(8), .to = Version(10)}, way), StatusCode::kVersionUnreachable, "8");
    EXPECT_STATUS(Find({.from = Version(10), .to = Version(11)}, way), StatusCode::kVersionUnreachable, "11");
  }
  for (const DiffWay way : {DiffWay::kUndo, DiffWay::kLog}) {
    EXPECT_STATUS(Find({.from = Version(8), .to = Version(10)}, way), StatusCode::kFailedPrecondition, "8");
  }
}

// The log after a pin is gone, so that only both snapshots know.
TEST_F(DiffTest, ComparesSnapshotsThatNoLogConnects) {
  format_.runtime.keep_recent = 0;
  format_.inline_bytes = 16 * kKiB;
  FormatAndOpen();
  Put("old", "1");
  ASSERT_OK(engine_->Pin("p"));
  for (int i = 0; i < 40; ++i) Put("k", std::string(8000, 'v'));
  ASSERT_OK(engine_->CreateSnapshot());
  const DiffOptions options{.from = Version(1), .to = Version(41)};
  EXPECT_STATUS(Find(options, DiffWay::kLog), StatusCode::kFailedPrecondition);
  const Result<std::vector<KeyDifference>> found = Find(options);
  ASSERT_OK(found);
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ(found->front().key, "k");
}

TEST_F(DiffTest, StopsAtTheErrorOfTheCaller) {
  FormatAndOpen();
  Overwrite("k", 3);
  for (const DiffWay way : {DiffWay::kCheapest, DiffWay::kComparison}) {
    EXPECT_STATUS(engine_->Diff({.from = Version(1), .to = Version(3), .way = way},
                                [&](const KeyDifference&) {
                                  EXPECT_EQ(Get("k"), OneSlot(3)) << "a callback may call the engine";
                                  return Status::IoError("enough");
                                }),
                  StatusCode::kIoError, "enough");
  }
}

TEST_F(DiffTest, AReaderAlongsideTheWriterHasItToo) {
  FormatAndOpen();
  Rng rng(TestSeed(12));
  for (int i = 0; i < 100; ++i) {
    CommitRandom(rng);
    if (i % 30 == 0) ASSERT_OK(engine_->CreateSnapshot());
  }
  OpenOptions reading = open_;
  reading.read_only = true;
  Result<std::unique_ptr<Engine>> reader = Engine::Open(dir_, reading);
  ASSERT_OK(reader);
  std::swap(engine_, *reader);
  for (int i = 0; i < 30; ++i) CompareAtRandom(rng);
  std::swap(engine_, *reader);
  ASSERT_OK((*reader)->Close());
}

}  // namespace
}  // namespace rawkv
