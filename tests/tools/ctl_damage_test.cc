#include <filesystem>
#include <fstream>

#include "tests/tools/ctl_fixture.h"

// One thing is missing or damaged; each command says so with the right status, names the thing, and
// `fsck` answers instead of failing.
namespace rawkv::ctl {
namespace {

namespace fs = std::filesystem;

class CtlDamage : public CtlTest {
 protected:
  // Snapshots 0, 4 (pinned) and 6, `current`; tip 8.
  void SetUp() override {
    Format();
    Commit(4);
    Ok({"snapshot", "pin", "--name=keep"});
    Commit(2);
    Ok({"snapshot", "create"});
    Commit(2);
    SkipFinalCheck();
  }

  std::string Snapshot(int version) const {
    const std::string digits = std::to_string(version);
    return store() + "/snapshot-" + std::string(20 - digits.size(), '0') + digits;
  }

  // A byte in the first block of data.
  static void FlipByte(const std::string& path, std::streamoff at) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(at);
    const char byte = static_cast<char>(file.get() ^ 0x5a);
    file.seekp(at);
    file.put(byte);
    ASSERT_TRUE(file.good()) << path;
  }

  static std::vector<std::string> TablesIn(const std::string& dir) {
    std::vector<std::string> paths;
    for (const auto& entry : fs::directory_iterator(dir)) {
      if (entry.path().extension() == ".sst") paths.push_back(entry.path());
    }
    return paths;
  }

  // The first finding of fsck, which ends with 1.
  Json Found(const Args& command = {"fsck"}) const {
    Args args = command;
    args.emplace_back("--json");
    const CtlResult result = Run(args);
    EXPECT_EQ(result.status, 1) << result.err << result.out;
    const std::vector<Json> rows = Rows(result.out);
    if (rows.size() == 1 && !rows[0]["findings"].empty()) return rows[0]["findings"][0];
    return {{"kind", nullptr}, {"where", nullptr}, {"version", nullptr}, {"message", ""}};
  }
};

TEST_F(CtlDamage, AnOldVersionWhoseSnapshotLostItsIndexIsDamageNotAnAbsentKey) {
  fs::remove_all(Snapshot(4) + "/index");
  EXPECT_TRUE(EndedWith(Run({"get", "k1", "--version=5"}), 4, Snapshot(4)));
  EXPECT_TRUE(EndedWith(Run({"scan", "--version=4"}), 4, Snapshot(4)));
  EXPECT_TRUE(EndedWith(Run({"export", "--version=4", "--out=" + File("out")}), 4, Snapshot(4)));
  EXPECT_EQ(Found()["kind"], "snapshot");
}

TEST_F(CtlDamage, FsckFindsADamagedTableInASnapshot) {
  for (const std::string& path : TablesIn(Snapshot(4) + "/index")) FlipByte(path, 25);
  EXPECT_EQ(Found()["kind"], "snapshot");
  EXPECT_EQ(Found({"fsck", "--deep"})["kind"], "snapshot");
}

TEST_F(CtlDamage, FsckFindsADamagedTableInTheWorkingIndex) {
  for (const std::string& path : TablesIn(store() + "/working/index")) {
    fs::copy_file(path, path + ".own");  // the snapshots' own stay whole
    fs::rename(path + ".own", path);
    FlipByte(path, 25);
  }
  const Json finding = Found();
  EXPECT_EQ(finding["kind"], "index");
  EXPECT_EQ(finding["where"], store() + "/working/index");
  EXPECT_EQ(Run({"wal", "verify"}).status, 0) << "the log is good";
}

TEST_F(CtlDamage, ALogThatIsMissingAltogetherIsDamage) {
  fs::remove_all(store() + "/wal");
  for (const Args& use : std::vector<Args>{{"get", "k1"},
                                           {"put", "k", "v"},
                                           {"snapshot", "list"},
                                           {"rollback", "--version=6", "--dry_run"},
                                           {"wal", "list"},
                                           {"wal", "dump"}}) {
    EXPECT_TRUE(EndedWith(Run(use), 4, store() + "/wal")) << use.front();
  }
  EXPECT_EQ(Run({"info"}).status, 4);
  EXPECT_EQ(Found()["kind"], "log");
  EXPECT_EQ(Found({"wal", "verify"})["kind"], "log");
}

TEST_F(CtlDamage, FsckNamesTheFileThatIsDamaged) {
  FlipByte(store() + "/PINS", 30);
  const Json pins = Found();
  EXPECT_EQ(pins["kind"], "pins");
  EXPECT_EQ(pins["where"], store() + "/PINS");
  fs::remove(store() + "/PINS");

  FlipByte(store() + "/STORE", 40);
  EXPECT_EQ(Found()["where"], store() + "/STORE");
  FlipByte(store() + "/STORE", 40);

  FlipByte(store() + "/device.img", 8);
  FlipByte(store() + "/device.img", 4096 + 8);
  const Json device = Found();
  EXPECT_EQ(device["kind"], "superblock");
  EXPECT_EQ(device["where"], store() + "/device.img");
}

TEST_F(CtlDamage, APinWhoseSnapshotIsGoneIsFound) {
  fs::remove_all(Snapshot(4));
  const Json finding = Found();
  EXPECT_EQ(finding["kind"], "snapshot");
  EXPECT_EQ(finding["version"], 4);
  EXPECT_NE(finding["message"].get<std::string>().find("pin keep"), std::string::npos) << finding;
}

// As after a copy that followed links.
TEST_F(CtlDamage, ADirectoryInPlaceOfCurrentIsReplaced) {
  fs::remove(store() + "/current");
  fs::copy(Snapshot(6), store() + "/current", fs::copy_options::recursive);
  const Json report = OkJson({"fsck"});
  EXPECT_NE(report["notes"].dump().find("`current` cannot be used"), std::string::npos) << report;
  EXPECT_EQ(Run({"get", "k2"}).out, ValueAt(2));
  EXPECT_TRUE(fs::is_symlink(store() + "/current"));
  EXPECT_EQ(Ok({"fsck"}), "ok\n") << "nothing is left over";
}

TEST_F(CtlDamage, WithoutAnySnapshotNothingIsCalledReachable) {
  for (const int version : {0, 4, 6}) fs::remove_all(Snapshot(version));
  fs::remove(store() + "/PINS");
  const CtlResult info = Run({"info", "--json"});
  EXPECT_EQ(info.status, 4) << info.err;
  EXPECT_EQ(Rows(info.out).front()["reachable"], Json::array());
  EXPECT_TRUE(Rows(info.out).front()["current"].is_null());
  EXPECT_TRUE(EndedWith(Run({"rollback", "--version=6", "--dry_run"}), 3, "no snapshot"));
}

TEST_F(CtlDamage, ADamagedRollbackMarkerIsDamage) {
  WriteFile("store/ROLLBACK", "x");
  EXPECT_TRUE(EndedWith(Run({"rollback", "--version=6", "--dry_run"}), 4, "ROLLBACK"));
  EXPECT_TRUE(EndedWith(Run({"rollback", "--version=6", "--yes"}), 4, "ROLLBACK"));
  EXPECT_TRUE(EndedWith(Run({"get", "k1"}), 4, "ROLLBACK"));
  EXPECT_EQ(Found()["where"], store() + "/ROLLBACK");
}

TEST_F(CtlDamage, AFileInPlaceOfAStoreIsNoStore) {
  WriteFile("file", "x");
  for (const Args& use : std::vector<Args>{{"info"}, {"get", "k"}, {"fsck"}, {"wal", "list"}}) {
    Args args = use;
    args.push_back("--store=" + File("file"));
    EXPECT_TRUE(EndedWith(Run(args), 3, "no store here")) << use.front();
  }
}

TEST_F(CtlDamage, ADirectoryForChangesIsRefusedWithoutALineNumber) {
  const CtlResult result = Run({"apply", File("")});
  EXPECT_TRUE(EndedWith(result, 2, "cannot be read: Is a directory"));
  EXPECT_EQ(result.err.find("line 0"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace rawkv::ctl
