// Invariant 9: the pages of an unsynced group reach the disk in any order. For every subset of them, the next
// open adopts a prefix of the group and cuts the rest, and no record after the cut ever returns.

#include <set>

#include "tests/support/sanitized.h"
#include "tests/wal/wal_fixture.h"

namespace rawkv {
namespace {

// `before` with those changed pages of `after` whose bit is set in `persisted`. Bit 0 stands for the first
// page that differs; *pages becomes the number of pages that differ.
std::string MixPages(const std::string& before, const std::string& after, size_t page_bytes,
                     uint64_t persisted, size_t* pages) {
  std::string mixed = before;
  mixed.resize(std::max(before.size(), after.size()), '\0');
  *pages = 0;
  for (size_t at = 0; at < after.size(); at += page_bytes) {
    const size_t length = std::min(page_bytes, after.size() - at);
    if (mixed.compare(at, length, after, at, length) == 0) continue;
    if ((persisted >> *pages & 1) != 0) mixed.replace(at, length, after, at, length);
    ++*pages;
  }
  return mixed;
}

struct Case {
  size_t page_bytes;
  size_t body_bytes;
};

class TornGroup : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    ASSERT_OK(CreateLog(log_.Context(), kOptions, Version(1)));
    const auto wal = log_.Open(PosixFs(), kOptions);
    ASSERT_OK(wal.status());
    base_ = {MakeRecord(Version(1), kFirstBranch, 300), MakeRecord(Version(2), kFirstBranch, 300)};
    ASSERT_OK(AppendSynced(**wal, base_));
  }

  std::vector<TestRecord> Group(uint64_t salt, Lineage lineage = kFirstBranch) const {
    std::vector<TestRecord> group;
    for (uint64_t v = 3; v <= 6; ++v) {
      group.push_back(MakeRecord(Version(v), lineage, GetParam().body_bytes, salt));
    }
    return group;
  }

  // Expects the scan to adopt base_ and a prefix of `group`. Returns the length of the prefix.
  size_t ExpectPrefix(const std::vector<TestRecord>& group) {
    const Result<LogScan> scan = log_.Scan();
    EXPECT_OK(scan);
    if (!scan.ok()) return 0;
    EXPECT_NE(scan->end, LogEnd::kCorrupt) << scan->message;
    const auto read = log_.Read(Version(1), scan->last);
    EXPECT_OK(read);
    if (!read.ok() || read->size() < base_.size()) return 0;
    std::vector<TestRecord> expected = base_;
    expected.insert(expected.end(), group.begin(), group.end());
    expected.resize(read->size());
    EXPECT_EQ(*read, expected);
    return read->size() - base_.size();
  }

  // Calls `fn(persisted)` on the log after a power cut, for every subset of the pages that differ between the
  // two images, or for `most_runs` random subsets if there are more.
  void ForEachSubset(const LogImage& before, const LogImage& after, uint64_t most_runs,
                     const std::function<void(uint64_t)>& fn) {
    const std::string name = SegmentName(Version(1));
    size_t pages = 0;
    MixPages(before.at(name), after.at(name), GetParam().page_bytes, 0, &pages);
    ASSERT_GT(pages, 0u);
    ASSERT_LE(pages, 40u);
    std::mt19937_64 random(pages);
    const uint64_t all = uint64_t{1} << pages;
    const uint64_t runs = std::min<uint64_t>(all, most_runs);
    for (uint64_t i = 0; i < runs; ++i) {
      const uint64_t persisted = runs == all ? i : i == 0 ? 0 : i == 1 ? all - 1 : random() % all;
      SCOPED_TRACE("pages persisted: " + std::to_string(persisted) + " of " + std::to_string(pages));
      LogImage image = before;
      image[name] = MixPages(before.at(name), after.at(name), GetParam().page_bytes, persisted, &pages);
      log_.Restore(image);
      fn(persisted);
      if (HasFailure()) return;
    }
  }

  void Append(const std::vector<TestRecord>& group) {
    const auto wal = log_.Open(PosixFs(), kOptions);
    ASSERT_OK(wal.status());
    ASSERT_OK(AppendGroup(**wal, group, Version(2)));
  }

  static constexpr WalOptions kOptions{.segment_bytes = 64 * 1024, .fill_step_bytes = 60 * 1024};
  LogFixture log_;
  std::vector<TestRecord> base_;
};

TEST_P(TornGroup, AdoptsAPrefixForAnySubsetOfPages) {
  const LogImage before = log_.Save();
  const std::vector<TestRecord> group = Group(1);
  Append(group);
  const LogImage after = log_.Save();
  std::set<size_t> adopted;
  ForEachSubset(before, after, 600, [&](uint64_t) { adopted.insert(ExpectPrefix(group)); });
  EXPECT_TRUE(adopted.contains(0));
  EXPECT_TRUE(adopted.contains(4));
}

TEST_P(TornGroup, ScanAfterAnInterruptedCutAdoptsAPrefix) {
  const LogImage before = log_.Save();
  const std::vector<TestRecord> group = Group(1);
  Append(group);
  const LogImage after = log_.Save();
  std::mt19937_64 random(1);
  for (uint64_t i = 0; i < Share(20, 5) && !HasFailure(); ++i) {
    size_t pages = 0;
    LogImage torn = before;
    std::string& content = torn[SegmentName(Version(1))];
    content = MixPages(content, after.at(SegmentName(Version(1))), GetParam().page_bytes, random(), &pages);
    log_.Restore(torn);
    const size_t adopted = ExpectPrefix(group);
    ASSERT_OK(log_.Open(PosixFs(), kOptions).status());
    const LogImage cut = log_.Save();
    if (cut == torn) continue;  // all or nothing had persisted
    ForEachSubset(torn, cut, 60, [&](uint64_t) { EXPECT_EQ(ExpectPrefix(group), adopted); });
  }
}

// The new records have the same length, the same places and the same branch as those that were cut. This is
// the hardest case.
TEST_P(TornGroup, RecordsAfterTheCutNeverRevive) {
  const LogImage before = log_.Save();
  const std::vector<TestRecord> old_group = Group(1);
  Append(old_group);
  const LogImage after = log_.Save();
  std::mt19937_64 random(2);
  for (uint64_t i = 0; i < Share(20, 5) && !HasFailure(); ++i) {
    size_t pages = 0;
    LogImage torn = before;
    std::string& content = torn[SegmentName(Version(1))];
    // The first page never persists, so that the cut removes the whole old group.
    content = MixPages(content, after.at(SegmentName(Version(1))), GetParam().page_bytes,
                       random() & ~uint64_t{1}, &pages);
    log_.Restore(torn);
    ASSERT_EQ(ExpectPrefix(old_group), 0u);
    ASSERT_OK(log_.Open(PosixFs(), kOptions).status());
    const LogImage cut = log_.Save();
    const std::vector<TestRecord> new_group = Group(100 + i);
    Append(new_group);
    ForEachSubset(cut, log_.Save(), 60, [&](uint64_t) { ExpectPrefix(new_group); });
  }
}

// The second line of defence, in case the zeros of a cut are lost: stale records have the right version,
// branch, length and place, but do not continue the chain of the new ones.
TEST_P(TornGroup, StaleRecordsDoNotFollowNewOnesEvenWithoutTheCut) {
  const LogImage before = log_.Save();
  Append(Group(1));
  LogImage stale = log_.Save();
  log_.Restore(before);
  const std::vector<TestRecord> new_group = Group(2);
  Append({new_group.front()});
  const LogImage now = log_.Save();
  const std::string name = SegmentName(Version(1));
  const uint64_t end = log_.Scan()->end_offset;
  stale[name].replace(0, end, now.at(name), 0, end);
  log_.Restore(stale);
  EXPECT_EQ(ExpectPrefix(new_group), 1u);
  EXPECT_EQ(log_.Scan()->end, LogEnd::kTorn);
}

TEST_P(TornGroup, RolledBackRecordsDoNotReviveInTheNewBranch) {
  const std::vector<TestRecord> old_group = Group(1);
  Append(old_group);
  const LogImage whole = log_.Save();
  log_.Fork(kSecondBranch, Version(2));
  EXPECT_EQ(ExpectPrefix({}), 0u) << "records of the old branch above the fork are dead";
  {
    const auto wal = log_.Open(PosixFs(), kOptions);
    ASSERT_OK(wal.status());
  }
  const LogImage cut = log_.Save();
  ForEachSubset(whole, cut, 200, [&](uint64_t) { EXPECT_EQ(ExpectPrefix({}), 0u); });
  log_.Restore(cut);
  const std::vector<TestRecord> new_group = Group(1, kSecondBranch);
  Append(new_group);
  ForEachSubset(cut, log_.Save(), 200, [&](uint64_t) { ExpectPrefix(new_group); });
}

INSTANTIATE_TEST_SUITE_P(Pages, TornGroup,
                         testing::Values(Case{4096, 3000}, Case{4096, 9000}, Case{512, 400}, Case{512, 1500},
                                         Case{512, 40}),
                         [](const auto& test) {
                           return "Page" + std::to_string(test.param.page_bytes) + "Body" +
                                  std::to_string(test.param.body_bytes);
                         });

}  // namespace
}  // namespace rawkv
