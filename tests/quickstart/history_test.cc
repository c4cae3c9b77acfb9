#include "tools/quickstart_history.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "tests/quickstart/git_fixture.h"
#include "tests/support/temp_dir.h"
#include "tools/quickstart_git_history.h"
#include "tools/quickstart_tree_history.h"

namespace rawkv::quickstart {
namespace {

std::unique_ptr<History> LoadGit(const std::string& path, const HistoryLimits& limits = {}) {
  auto git = Git::Open(path);
  RAWKV_CHECK(git.ok(), git.status().message().c_str());
  auto history = GitHistory::Load(*std::move(git), limits);
  RAWKV_CHECK(history.ok(), history.status().message().c_str());
  return *std::move(history);
}

// The replay done on a std::map, compared with the judge's listing at every step.
void ExpectStepsGiveListings(const History& history) {
  std::map<std::string, std::string> model;
  for (uint64_t number = 1; number <= history.size(); ++number) {
    for (const Change& change : history.step(number).changes) {
      if (change.is_delete()) {
        model.erase(change.key);
      } else {
        model[change.key] = change.content;
      }
    }
    std::map<std::string, std::string> listed;
    const auto listing = history.ListingAt(number);
    ASSERT_TRUE(listing.ok()) << listing.status().ToString();
    for (const Expected& expected : *listing) listed[expected.key] = expected.content;
    ASSERT_EQ(model, listed) << "step " << number;
  }
}

class HistoryTest : public testing::Test {
 protected:
  TempDir dir_;
};

TEST_F(HistoryTest, ChangesAddUpToEachCommitsTree) {
  MakeRepository(dir_.File("repo"), EventfulHistory());
  const auto history = LoadGit(dir_.File("repo"));
  EXPECT_GE(history->size(), 400u);
  ExpectStepsGiveListings(*history);
}

TEST_F(HistoryTest, ACappedHistoryBeginsWithAWholeTree) {
  MakeRepository(dir_.File("repo"), EventfulHistory());
  const auto history = LoadGit(dir_.File("repo"), {.steps = 30});
  EXPECT_EQ(history->size(), 30u);
  EXPECT_GT(history->step(1).changes.size(), 20u);
  ExpectStepsGiveListings(*history);
}

TEST_F(HistoryTest, AShallowCloneBeginsWithAWholeTree) {
  MakeRepository(dir_.File("repo"), EventfulHistory());
  RunGit(dir_.path(),
         {"clone", "--quiet", "--no-checkout", "--depth=20", "file://" + dir_.File("repo"), "clone"});
  const auto history = LoadGit(dir_.File("clone"));
  EXPECT_EQ(history->size(), 20u);
  ExpectStepsGiveListings(*history);
}

TEST_F(HistoryTest, SubmodulesAreLeftOut) {
  ImportStream stream;
  stream.Commit();
  stream.PutSubmodule("module");
  stream.Commit();
  stream.PutSubmodule("another");
  MakeRepository(dir_.File("repo"), stream);
  const auto history = LoadGit(dir_.File("repo"));
  ASSERT_EQ(history->size(), 2u);
  EXPECT_TRUE(history->ListingAt(2)->empty());
  EXPECT_EQ(history->notes(), std::vector<std::string>{"submodules left out: 2"});
}

TEST_F(HistoryTest, WhatAStoreCannotHoldIsLeftOutAndSaid) {
  ImportStream stream;
  stream.Commit();
  stream.Put("grows", "small");
  stream.Put(std::string(300, 'n'), "long name");
  stream.Commit();
  stream.Put("grows", std::string(5000, 'x'));
  stream.Commit();
  stream.Put("grows", "small again");
  MakeRepository(dir_.File("repo"), stream);
  const auto history = LoadGit(dir_.File("repo"), {.value_bytes = 4000, .key_bytes = 200});
  ExpectStepsGiveListings(*history);
  EXPECT_EQ(history->ListingAt(1)->size(), 1u);
  EXPECT_TRUE(history->ListingAt(2)->empty());
  EXPECT_EQ(history->notes().size(), 2u);
}

TEST_F(HistoryTest, EveryByteOfAValueIsJudged) {
  MakeRepository(dir_.File("repo"), SmallHistory());
  const auto history = LoadGit(dir_.File("repo"));
  const auto content = history->OpenContent();
  ASSERT_TRUE(content.ok());
  const auto listing = history->ListingAt(history->size()).value();
  for (const Expected& expected : listing) {
    std::string value = (*content)->ReadWhole(expected.content).value();
    EXPECT_TRUE(history->Matches(expected, AsBytes(value)).value());
    EXPECT_FALSE(history->Matches(expected, AsBytes(value + "x")).value());
    if (value.empty()) continue;
    value.back() ^= 1;
    EXPECT_FALSE(history->Matches(expected, AsBytes(value)).value());
  }
}

TEST_F(HistoryTest, AnEmptyRepositoryHasNone) {
  RunGit("/", {"init", "--quiet", dir_.File("repo")});
  EXPECT_EQ(GitHistory::Load(Git::Open(dir_.File("repo")).value(), {}).status().code(),
            StatusCode::kNotFound);
}

TEST_F(HistoryTest, FilesWithoutGitAreAddedInSteps) {
  const std::string tree = dir_.File("tree");
  std::filesystem::create_directories(tree + "/out/build");
  std::filesystem::create_directories(tree + "/.git");
  WriteFile(tree + "/.git/config", "not content");
  WriteFile(tree + "/out/build/CMakeCache.txt", "not content");
  WriteFile(tree + "/out/build/object.o", "not content");
  for (int i = 0; i < 450; ++i)
    WriteFile(tree + "/f\n" + std::to_string(i), std::string(static_cast<size_t>(i), 'x'));
  std::filesystem::create_symlink("nowhere at all", tree + "/link");
  const auto history = TreeHistory::Load(tree, "a test", {});
  ASSERT_TRUE(history.ok()) << history.status().ToString();
  EXPECT_EQ((*history)->size(), 200u);
  ExpectStepsGiveListings(**history);
  const auto listing = (*history)->ListingAt(200).value();
  ASSERT_EQ(listing.size(), 451u);
  EXPECT_EQ(listing.back().key, "link");
  EXPECT_TRUE((*history)->Matches(listing.back(), AsBytes("nowhere at all")).value());
  EXPECT_FALSE((*history)->Matches(listing.back(), AsBytes("nowhere")).value());
  EXPECT_EQ(TreeHistory::Load(tree + "/.git/absent", "a test", {}).status().code(), StatusCode::kNotFound);
}

TEST_F(HistoryTest, AFileThatChangesMeanwhileIsAnErrorNotADifference) {
  WriteFile(dir_.File("a"), "before");
  const auto history = TreeHistory::Load(dir_.path(), "a test", {});
  WriteFile(dir_.File("a"), "after it was listed");
  std::string value(6, '\0');
  const ContentRequest request = {.content = "a", .out = AsWritableBytes(value)};
  const auto content = (*history)->OpenContent();
  EXPECT_EQ((*content)->Read({&request, 1}).code(), StatusCode::kIoError);
}

TEST_F(HistoryTest, IsMeasuredForTheStore) {
  ImportStream stream;
  stream.Commit();
  stream.Put("inline", std::string(1024, 'x'));
  stream.Put("one slot", std::string(4096, 'x'));
  stream.Put("two slots", std::string(4097, 'x'));
  stream.Commit();
  stream.Delete("inline");
  MakeRepository(dir_.File("repo"), stream);
  const HistorySize size = Measure(*LoadGit(dir_.File("repo")), {.slot_bytes = 4096, .inline_bytes = 1024});
  EXPECT_EQ(size.puts, 3u);
  EXPECT_EQ(size.deletes, 1u);
  EXPECT_EQ(size.value_bytes, 1024u + 4096 + 4097);
  EXPECT_EQ(size.device_bytes, 3u * 4096);
  EXPECT_EQ(size.operations_max, 3u);
  EXPECT_GE(size.record_bytes_max, 1024u);
}

}  // namespace
}  // namespace rawkv::quickstart
