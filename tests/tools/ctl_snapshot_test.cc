#include <filesystem>
#include <fstream>

#include "tests/tools/ctl_fixture.h"

namespace rawkv::ctl {
namespace {

class CtlSnapshot : public CtlTest {
 protected:
  void SetUp() override { Format(); }

  // Makes a snapshot after each of n commits. With the snapshot of format the store has 0, 1 … n.
  void Snapshots(int n) {
    for (int i = 1; i <= n; ++i) {
      Ok({"put", "k", ValueAt(i)});
      EXPECT_EQ(Ok({"snapshot", "create", "--keep_recent=100"}), std::to_string(i) + "\n");
    }
  }

  std::vector<uint64_t> Versions() const {
    std::vector<uint64_t> versions;
    for (const Json& row : Rows(Ok({"snapshot", "list", "--json"}))) versions.push_back(row["version"]);
    return versions;
  }
};

TEST_F(CtlSnapshot, CreatePrintsTheVersionItContains) {
  Commit(3);
  EXPECT_EQ(OkJson({"snapshot", "create"}).dump(), "{\"version\":3}");
  EXPECT_EQ(Ok({"snapshot", "create"}), "3\n") << "the tip has a snapshot already, so nothing changes";
  EXPECT_EQ(Versions(), (std::vector<uint64_t>{0, 3}));
}

TEST_F(CtlSnapshot, ListHasOneRowPerSnapshotAscending) {
  Snapshots(2);
  const std::vector<Json> rows = Rows(Ok({"snapshot", "list", "--json"}));
  ASSERT_EQ(rows.size(), 3u);
  uint64_t expected = 0;
  for (const Json& row : rows) {
    EXPECT_EQ(Fields(row), (Args{"version", "lineage", "created_unix_ms", "files", "bytes", "current", "pins",
                                 "by_log_bytes"}));
    EXPECT_EQ(row["version"], expected);
    EXPECT_EQ(row["lineage"].get<std::string>().size(), 16u);
    EXPECT_GT(row["created_unix_ms"].get<uint64_t>(), 1'600'000'000'000u);
    EXPECT_GT(row["files"].get<uint64_t>(), 0u);
    EXPECT_GT(row["bytes"].get<uint64_t>(), 0u);
    EXPECT_EQ(row["current"], expected == 2);
    ++expected;
  }
  const std::string text = Ok({"snapshot", "list"});
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3);
  EXPECT_NE(text.find("\tcurrent\t"), std::string::npos);
}

TEST_F(CtlSnapshot, CreateAppliesRetention) {
  Snapshots(4);
  Ok({"put", "k", "v"});
  Ok({"snapshot", "create", "--keep_recent=1"});
  EXPECT_EQ(Versions(), (std::vector<uint64_t>{4, 5}));
}

TEST_F(CtlSnapshot, VerifyChecksEverySnapshot) {
  Snapshots(2);
  const std::vector<Json> rows = Rows(Ok({"snapshot", "verify", "--json"}));
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[1].dump(), R"({"version":1,"ok":true,"errors":[]})");
  EXPECT_EQ(Ok({"snapshot", "verify", "--version=2"}), "2\tok\n");
  EXPECT_TRUE(EndedWith(Run({"snapshot", "verify", "--version=7"}), 3, "7"));
  EXPECT_TRUE(EndedWith(Run({"snapshot", "verify", "--version=x"}), 2, "--version"));
}

TEST_F(CtlSnapshot, VerifyOfADamagedSnapshotEndsWith1) {
  Snapshots(2);
  SkipFinalCheck();
  const std::filesystem::path index = store() + "/snapshot-00000000000000000001/index";
  for (const auto& entry : std::filesystem::directory_iterator(index)) {
    if (entry.path().extension() != ".sst") continue;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(20);
    file.put('\x5A');
  }
  const CtlResult result = Run({"snapshot", "verify", "--json"});
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.err, "");
  const std::vector<Json> rows = Rows(result.out);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_FALSE(rows[1]["ok"].get<bool>());
  EXPECT_FALSE(rows[1]["errors"].empty());
  EXPECT_EQ(Run({"snapshot", "verify", "--version=1"}).status, 1);
}

TEST_F(CtlSnapshot, DeleteOfTheCurrentSnapshotMovesTheLink) {
  Snapshots(2);
  EXPECT_EQ(Ok({"snapshot", "delete", "--version=2"}), "2\n");
  EXPECT_EQ(Versions(), (std::vector<uint64_t>{0, 1}));
  EXPECT_EQ(OkJson({"info"})["current"], 1);
  EXPECT_EQ(Ok({"get", "k"}), ValueAt(2)) << "the log still holds the version";
}

TEST_F(CtlSnapshot, DeleteRefusesAbsentPinnedAndOnlySnapshots) {
  EXPECT_TRUE(EndedWith(Run({"snapshot", "delete", "--version=0"}), 3, "snapshot delete: "));  // the only one
  Snapshots(1);
  EXPECT_TRUE(EndedWith(Run({"snapshot", "delete", "--version=9"}), 3, "9"));
  Ok({"snapshot", "pin", "--name=p", "--version=0"});
  EXPECT_TRUE(EndedWith(Run({"snapshot", "delete", "--version=0"}), 3, "snapshot delete: "));
  EXPECT_TRUE(EndedWith(Run({"snapshot", "delete"}), 2, "give --version=N"));
}

TEST_F(CtlSnapshot, PrunePrintsTheRemovedVersions) {
  Snapshots(4);
  EXPECT_EQ(OkJson({"snapshot", "prune", "--keep=2"}).dump(), R"({"removed":[0,1]})");
  EXPECT_EQ(Ok({"snapshot", "prune", "--keep=0"}), "2\n3\n");
  EXPECT_EQ(OkJson({"snapshot", "prune", "--keep=0"}).dump(), R"({"removed":[]})");
  EXPECT_EQ(Versions(), (std::vector<uint64_t>{4}));
  EXPECT_TRUE(EndedWith(Run({"snapshot", "prune", "--keep=x"}), 2, "--keep"));
}

TEST_F(CtlSnapshot, PinHoldsAVersionByName) {
  Snapshots(3);
  EXPECT_EQ(OkJson({"snapshot", "pin", "--name=old", "--version=1"}).dump(), R"({"name":"old","version":1})");
  EXPECT_EQ(Ok({"snapshot", "pin", "--name=old", "--version=1"}), "1\n") << "pin is idempotent";
  Ok({"snapshot", "prune", "--keep=0"});
  EXPECT_EQ(Versions(), (std::vector<uint64_t>{1, 3}));
  EXPECT_EQ(Ok({"get", "k", "--version=1"}), ValueAt(1));
  EXPECT_EQ(Rows(Ok({"snapshot", "list", "--json"}))[0]["pins"].dump(), R"(["old"])");
  EXPECT_NE(Ok({"snapshot", "list"}).find("\tpinned: old\n"), std::string::npos);
}

TEST_F(CtlSnapshot, PinWithoutAVersionPinsTheTip) {
  Commit(3);
  EXPECT_EQ(Ok({"snapshot", "pin", "--name=tip"}), "3\n");
  EXPECT_EQ(Versions().back(), 3u);
}

TEST_F(CtlSnapshot, PinRefusesVersionsThatAreNotKeptAndUsedNames) {
  Snapshots(2);
  Commit(1);
  EXPECT_TRUE(EndedWith(Run({"snapshot", "pin"}), 2, "give --name=NAME"));
  EXPECT_TRUE(EndedWith(Run({"snapshot", "pin", "--name="}), 2, "--name"));
  EXPECT_TRUE(EndedWith(Run({"snapshot", "pin", "--name=p", "--version=4"}), 3, "never made"));
  EXPECT_EQ(Ok({"snapshot", "pin", "--name=q", "--version=3"}), "3\n");  // makes a snapshot
  Ok({"snapshot", "pin", "--name=p", "--version=1"});
  EXPECT_TRUE(EndedWith(Run({"snapshot", "pin", "--name=p", "--version=2"}), 3, "p"));
}

TEST_F(CtlSnapshot, UnpinRemovesThePin) {
  Snapshots(2);
  Ok({"snapshot", "pin", "--name=p", "--version=1"});
  EXPECT_TRUE(EndedWith(Run({"snapshot", "unpin"}), 2, "give --name=NAME"));
  EXPECT_TRUE(EndedWith(Run({"snapshot", "unpin", "--name=q"}), 3, "q"));
  EXPECT_TRUE(EndedWith(Run({"snapshot", "unpin", "--name=p", "--version=2"}), 3, "holds version 1, not 2"));
  EXPECT_EQ(OkJson({"snapshot", "unpin", "--name=p"}).dump(), R"({"name":"p","version":1})");
  EXPECT_TRUE(EndedWith(Run({"snapshot", "unpin", "--name=p"}), 3, "p"));
}

}  // namespace
}  // namespace rawkv::ctl
