#include "tools/quickstart_git.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "tests/quickstart/git_fixture.h"
#include "tests/support/temp_dir.h"
#include "tools/quickstart_blob_id.h"
#include "tools/quickstart_git_parse.h"

namespace rawkv::quickstart {
namespace {

using namespace std::string_literals;

TEST(GitParse, ReadsTreesWithPathsOfAnyBytes) {
  const auto tree = ParseTree(
      "100644 blob aa11\tplain\0"
      "100755 blob bb22\twith\nnewline\tand tab\0"
      "120000 blob cc33\t\xff\0"
      "160000 commit dd44\tmodule\0"s);
  ASSERT_TRUE(tree.ok()) << tree.status().ToString();
  ASSERT_EQ(tree->size(), 4u);
  EXPECT_EQ((*tree)[1].path, "with\nnewline\tand tab");
  EXPECT_EQ((*tree)[1].id, "bb22");
  EXPECT_EQ((*tree)[2].kind, GitKind::kContent);
  EXPECT_EQ((*tree)[3].kind, GitKind::kSubmodule);
}

TEST(GitParse, ReadsChangesCommitByCommit) {
  const auto commits = ParseChanges(
      "c0ffee\0"
      ":000000 100644 0000 aa11 A\0:odd name\0"
      ":100644 000000 aa11 0000 D\0gone\0"
      "c1ffee\0"
      "c2ffee\0"
      ":100644 120000 aa11 bb22 T\0link\0"s);
  ASSERT_TRUE(commits.ok()) << commits.status().ToString();
  ASSERT_EQ(commits->size(), 3u);
  const auto& first = commits->front().changes;
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0].path, ":odd name");
  EXPECT_EQ(first[0].before, GitKind::kAbsent);
  EXPECT_EQ(first[1].after, GitKind::kAbsent);
  EXPECT_TRUE((*commits)[1].changes.empty());
  EXPECT_EQ((*commits)[2].changes.at(0).id, "bb22");
}

TEST(GitParse, RefusesWhatGitWouldNotPrint) {
  EXPECT_FALSE(ParseTree("100644 blob aa11\tno end").ok());
  EXPECT_FALSE(ParseTree("777777 blob aa11\tx\0"s).ok());
  EXPECT_FALSE(ParseChanges(":100644 100644 aa bb M\0before any commit\0"s).ok());
  EXPECT_FALSE(ParseChanges("c0ffee\0:100644 100644 aa M\0x\0"s).ok());
  EXPECT_FALSE(ParseChanges("c0ffee\0:100644 100644 aa bb M\0no end"s).ok());
  EXPECT_FALSE(ParseHeading("aa11 blob twelve").ok());
  EXPECT_FALSE(ParseHeading("aa11").ok());
  EXPECT_EQ(ParseHeading("aa11 missing")->type, "missing");
}

TEST(BlobId, IsGitsOwn) {
  EXPECT_EQ(GitBlobId("sha1", {}), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  EXPECT_EQ(GitBlobId("sha1", AsBytes("hello\n")), "ce013625030ba8dba906f756967f9e9ca394464a");
  EXPECT_EQ(GitBlobId("sha256", {}), "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813");
}

class GitTest : public testing::Test {
 protected:
  TempDir dir_;
};

TEST_F(GitTest, ReadsAHistoryAndItsBlobs) {
  const std::string path = dir_.File("repo");
  MakeRepository(path, EventfulHistory());
  auto git = Git::Open(path);
  ASSERT_TRUE(git.ok()) << git.status().ToString();
  EXPECT_EQ(git->hash_name(), "sha1");
  const std::string tip = git->Tip().value();
  const auto commits = git->FirstParentCommits(tip, 0).value();
  EXPECT_GE(commits.size(), 400u);
  EXPECT_EQ(git->CountFirstParentCommits(tip).value(), commits.size());
  EXPECT_EQ(git->FirstParentCommits(tip, 3).value(),
            std::vector<std::string>(commits.end() - 3, commits.end()));
  EXPECT_EQ(git->ChangesBetween(commits).value().size(), commits.size() - 1);

  const auto blobs = git->OpenBlobs();
  ASSERT_TRUE(blobs.ok());
  const auto tree = git->ListTree(tip).value();
  for (const TreeEntry& entry : tree) {
    if (entry.kind != GitKind::kContent) continue;
    const auto bytes = (*blobs)->ReadWhole(entry.id);
    ASSERT_TRUE(bytes.ok()) << bytes.status().ToString();
    EXPECT_EQ(GitBlobId("sha1", AsBytes(*bytes)), entry.id);
    EXPECT_EQ(git->BlobSizes({entry.id}).value().at(entry.id), bytes->size());
  }
}

TEST_F(GitTest, ReadsManyBlobsAheadWithoutWaitingForItself) {
  const std::string path = dir_.File("repo");
  ImportStream stream;
  stream.Commit();
  const std::string content(100 * 1000, 'c');  // an answer larger than a pipe
  for (int i = 0; i < 2000; ++i) stream.Put("f" + std::to_string(i), content);
  MakeRepository(path, stream);
  const auto git = Git::Open(path);
  ASSERT_TRUE(git.ok());
  const auto tree = git->ListTree(git->Tip().value()).value();
  ASSERT_EQ(tree.size(), 2000u);
  std::string memory(tree.size() * content.size(), '\0');
  std::vector<BlobRequest> requests;
  for (size_t i = 0; i < tree.size(); ++i) {
    requests.push_back({tree[i].id, AsWritableBytes(memory).subspan(i * content.size(), content.size())});
  }
  const auto blobs = git->OpenBlobs();
  ASSERT_TRUE((*blobs)->Read(requests).ok());
  EXPECT_EQ(memory.find_first_not_of('c'), std::string::npos);
}

TEST_F(GitTest, NamesAMissingBlob) {
  const std::string path = dir_.File("repo");
  MakeRepository(path, SmallHistory());
  const auto git = Git::Open(path);
  const std::string absent(40, 'a');
  EXPECT_NE(git->BlobSizes({absent}).status().message().find(absent), std::string::npos);
  const auto blobs = git->OpenBlobs();
  EXPECT_NE((*blobs)->ReadWhole(absent).status().message().find(absent), std::string::npos);
}

TEST_F(GitTest, AReplacedObjectIsReadAsItWasCommitted) {
  const std::string path = dir_.File("repo");
  MakeRepository(path, SmallHistory());
  const auto git = Git::Open(path);
  const std::string id = git->ListTree(git->Tip().value()).value().at(0).id;
  std::string other = RunGit(path, {"hash-object", "-w", "--stdin"}, "something else");
  other.pop_back();
  RunGit(path, {"replace", id, other});
  const auto blobs = git->OpenBlobs();
  EXPECT_EQ(GitBlobId("sha1", AsBytes((*blobs)->ReadWhole(id).value())), id);
}

TEST_F(GitTest, IsNotMisledByTheCallersGitVariables) {
  const std::string path = dir_.File("repo");
  MakeRepository(path, SmallHistory());
  setenv("GIT_DIR", "/nonexistent", 1);
  const auto git = Git::Open(path);
  unsetenv("GIT_DIR");
  EXPECT_TRUE(git.ok()) << git.status().ToString();
}

TEST_F(GitTest, SaysWhyADirectoryIsNoRepository) {
  const std::string plain = dir_.File("plain");
  const std::string repository = dir_.File("repo");
  MakeRepository(repository, SmallHistory());
  RunGit(repository, {"init", "--quiet", repository});
  std::filesystem::create_directory(plain);
  std::filesystem::create_directory(repository + "/below");
  EXPECT_EQ(Git::Open(plain).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(Git::Open(dir_.File("absent")).status().code(), StatusCode::kNotFound);
  const auto below = Git::Open(repository + "/below");
  EXPECT_NE(below.status().message().find("inside a git repository"), std::string::npos);
}

TEST_F(GitTest, TakesTheNewestBranchWhereHeadNamesNone) {
  const std::string path = dir_.File("repo");
  MakeRepository(path, SmallHistory(), {.bare = true});
  const std::string tip = Git::Open(path)->Tip().value();
  RunGit(path, {"symbolic-ref", "HEAD", "refs/heads/never-made"});
  EXPECT_EQ(Git::Open(path)->Tip().value(), tip);
  RunGit(path, {"update-ref", "-d", "refs/heads/main"});
  EXPECT_EQ(Git::Open(path)->Tip().value(), "");
}

}  // namespace
}  // namespace rawkv::quickstart
