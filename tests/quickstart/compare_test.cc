#include "tools/quickstart_compare.h"

#include <gtest/gtest.h>

#include "tests/quickstart/git_fixture.h"
#include "tests/support/temp_dir.h"
#include "tools/quickstart_git_history.h"
#include "tools/quickstart_replay.h"

namespace rawkv::quickstart {
namespace {

// A store that holds SmallHistory, and what the judge says of it before and after it is tampered with.
class CompareTest : public testing::Test {
 protected:
  CompareTest() {
    MakeRepository(dir_.File("repo"), SmallHistory());
    history_ = GitHistory::Load(Git::Open(dir_.File("repo")).value(), {}).value();
    FormatOptions format;
    format.capacity_bytes = 64u << 20;
    RAWKV_CHECK(Engine::Format(dir_.File("store"), format).ok(), "format");
    engine_ = Engine::Open(dir_.File("store"), QuickstartOpenOptions()).value();
    const ReplayPlan plan = {.history = history_.get(),
                             .store = dir_.File("store"),
                             .spool_dir = dir_.path(),
                             .snapshot_steps = 100,
                             .pins = {4}};
    const ReplayObserver observer = {.on_begin = [](uint64_t) { return Status::Ok(); },
                                     .on_committed = [](uint64_t, uint64_t) { return Status::Ok(); }};
    const Status replayed = ReplaySteps(*engine_, plan, 1, observer);
    RAWKV_CHECK(replayed.ok(), replayed.message().c_str());
  }
  Comparison Tip() { return CompareAll(*engine_, nullptr, *history_, history_->size()).value(); }
  void Commit(const WriteBatch& batch) { ASSERT_TRUE(engine_->Commit(batch).ok()); }

  TempDir dir_;
  std::unique_ptr<History> history_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(CompareTest, AFaithfulStoreIsEqualAtEveryVersion) {
  for (uint64_t number = 0; number <= history_->size(); ++number) {
    const auto view = engine_->OpenView(Version(number)).value();
    const Comparison found = CompareAll(*engine_, view, *history_, number).value();
    EXPECT_TRUE(found.equal()) << found.examples.front();
    EXPECT_EQ(found.keys, history_->ListingAt(number)->size());
    if (number == 0) continue;
    const Comparison some =
        CompareSome(*engine_, view.get(), *history_, {.number = number, .keys = 5}).value();
    EXPECT_TRUE(some.equal()) << some.examples.front();
    EXPECT_EQ(some.bytewise, std::min<uint64_t>(5, found.keys));
    EXPECT_EQ(engine_->GetCommit(Version(number))->metadata, history_->step(number).name);
  }
}

TEST_F(CompareTest, AnotherCommitsStateIsDifferent) {
  EXPECT_FALSE(CompareAll(*engine_, nullptr, *history_, history_->size() - 1)->equal());
  EXPECT_FALSE(CompareAll(*engine_, nullptr, *history_, 0)->equal());
}

TEST_F(CompareTest, AKeyTooManyIsFoundWhereverItIs) {
  WriteBatch batch;
  for (const char* key : {"\x01 first", "file 50", "zz last"}) batch.Put(key, "extra");
  Commit(batch);
  const Comparison found = Tip();
  EXPECT_EQ(found.differences, 3u);
  EXPECT_NE(found.examples.at(0).find("\\x01 first should not be there"), std::string::npos)
      << found.examples[0];
  EXPECT_EQ(RequireEqual(found).code(), StatusCode::kCorruption);
}

TEST_F(CompareTest, AMissingKeyIsFoundWhereverItIs) {
  const auto listing = history_->ListingAt(history_->size()).value();
  WriteBatch batch;
  for (const size_t i : {size_t{0}, listing.size() / 2, listing.size() - 1}) batch.Delete(listing[i].key);
  Commit(batch);
  const Comparison found = Tip();
  EXPECT_EQ(found.differences, 3u);
  EXPECT_NE(found.examples.at(0).find(" is missing"), std::string::npos) << found.examples[0];
}

TEST_F(CompareTest, OneWrongBitIsFound) {
  std::string value = engine_->Get("log")->bytes;
  value[value.size() / 2] ^= 1;
  WriteBatch batch;
  batch.Put("log", value);
  Commit(batch);
  EXPECT_EQ(Tip().differences, 1u);
  const auto some = CompareSome(*engine_, nullptr, *history_, {.number = history_->size(), .keys = 1000});
  EXPECT_EQ(some->differences, 1u);
}

TEST_F(CompareTest, AnEmptiedStoreIsNotEqual) {
  WriteBatch batch;
  batch.DeletePrefix("");
  Commit(batch);
  EXPECT_EQ(Tip().differences, history_->ListingAt(history_->size())->size());
  EXPECT_EQ(Tip().examples.size(), 5u);
}

}  // namespace
}  // namespace rawkv::quickstart
