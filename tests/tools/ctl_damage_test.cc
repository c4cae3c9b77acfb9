#include <filesystem>
#include <fstream>
#include <set>

#include "tests/tools/ctl_fixture.h"

// One part of the store is missing or damaged. Each command ends with the right status and names the part,
// and `fsck` reports a finding instead of failing.
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

  // Changes the byte at offset `at`.
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
  Json FirstFinding(const Args& command = {"fsck"}) const {
    Args args = command;
    args.emplace_back("--json");
    const CtlResult result = Run(args);
    EXPECT_EQ(result.status, 1) << result.err << result.out;
    const std::vector<Json> rows = Rows(result.out);
    if (rows.size() == 1 && !rows[0]["findings"].empty()) return rows[0]["findings"][0];
    return {{"kind", nullptr}, {"where", nullptr}, {"version", nullptr}, {"message", ""}};
  }
};

TEST_F(CtlDamage, SnapshotWithoutAnIndexIsDamageNotAnAbsentKey) {
  fs::remove_all(Snapshot(4) + "/index");
  EXPECT_TRUE(EndedWith(Run({"get", "k1", "--version=4"}), 4, Snapshot(4)));
  EXPECT_TRUE(EndedWith(Run({"scan", "--version=4"}), 4, Snapshot(4)));
  EXPECT_TRUE(EndedWith(Run({"export", "--version=4", "--out=" + File("out")}), 4, Snapshot(4)));
  EXPECT_EQ(FirstFinding()["kind"], "snapshot");
}

TEST_F(CtlDamage, FsckFindsADamagedTableInASnapshot) {
  for (const std::string& path : TablesIn(Snapshot(4) + "/index")) FlipByte(path, 25);
  EXPECT_EQ(FirstFinding()["kind"], "snapshot");
  EXPECT_EQ(FirstFinding({"fsck", "--deep"})["kind"], "snapshot");
}

TEST_F(CtlDamage, FsckFindsADamagedTableInTheWorkingIndex) {
  for (const std::string& path : TablesIn(store() + "/working/index")) {
    fs::copy_file(path, path + ".own");  // the hard links of the snapshots keep the good bytes
    fs::rename(path + ".own", path);
    FlipByte(path, 25);
  }
  const Json finding = FirstFinding();
  EXPECT_EQ(finding["kind"], "index");
  EXPECT_EQ(finding["where"], store() + "/working/index");
  EXPECT_EQ(Run({"wal", "verify"}).status, 0) << "the log is good";
}

TEST_F(CtlDamage, MissingLogIsDamage) {
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
  EXPECT_EQ(FirstFinding()["kind"], "log");
  EXPECT_EQ(FirstFinding({"wal", "verify"})["kind"], "log");
}

TEST_F(CtlDamage, FsckNamesTheDamagedFile) {
  FlipByte(store() + "/PINS", 30);
  const Json pins = FirstFinding();
  EXPECT_EQ(pins["kind"], "pins");
  EXPECT_EQ(pins["where"], store() + "/PINS");
  fs::remove(store() + "/PINS");

  FlipByte(store() + "/STORE", 40);
  EXPECT_EQ(FirstFinding()["where"], store() + "/STORE");
  FlipByte(store() + "/STORE", 40);

  FlipByte(store() + "/device.img", 8);
  FlipByte(store() + "/device.img", 4096 + 8);
  const Json device = FirstFinding();
  EXPECT_EQ(device["kind"], "superblock");
  EXPECT_EQ(device["where"], store() + "/device.img");
  EXPECT_NE(device["message"].get<std::string>().find("; `rawkv-ctl fsck --repair --dry_run` shows"),
            std::string::npos)
      << device;
}

// Only the snapshots show that the log began earlier. The next prune would remove them.
TEST_F(CtlTest, InfoMarksTheSnapshotsBelowALogThatLostItsBeginning) {
  Format({"--wal_segment_bytes=64KiB", "--keep_recent=9"});
  for (int tens = 0; tens < 14; ++tens) {
    std::string changes;
    for (int i = 0; i < 10; ++i) {
      changes +=
          Json{{"put", Json::array({{{"key", "k"}, {"value", std::string(1000, 'v')}}})}}.dump() + "\n";
    }
    WriteFile("changes", changes);
    Ok({"apply", File("changes")});
    if (tens == 3 || tens == 13) Ok({"snapshot", "create"});
  }
  const std::string mark = ", not pinned and not reachable)\n";
  EXPECT_EQ(Ok({"info"}).find(mark), std::string::npos);
  fs::remove(store() + "/wal/00000000000000000001.log");
  EXPECT_NE(Ok({"info"}).find(mark), std::string::npos);
  const std::string note = "snapshot pin --name=NAME --version=40";
  EXPECT_NE(Ok({"fsck"}).find(note), std::string::npos);
  Ok({"snapshot", "pin", "--name=kept", "--version=40"});
  EXPECT_EQ(Ok({"fsck"}).find(note), std::string::npos);
  EXPECT_EQ(Ok({"get", "k", "--version=40"}), std::string(1000, 'v'));
}

TEST_F(CtlDamage, FsckFindsAPinWhoseSnapshotIsMissing) {
  fs::remove_all(Snapshot(4));
  const Json finding = FirstFinding();
  EXPECT_EQ(finding["kind"], "snapshot");
  EXPECT_EQ(finding["version"], 4);
  EXPECT_NE(finding["message"].get<std::string>().find("pin keep"), std::string::npos) << finding;
}

// A copy of a store that followed symlinks leaves such a directory.
TEST_F(CtlDamage, ADirectoryInPlaceOfCurrentIsReplaced) {
  fs::remove(store() + "/current");
  fs::copy(Snapshot(6), store() + "/current", fs::copy_options::recursive);
  const Json report = OkJson({"fsck"});
  EXPECT_NE(report["notes"].dump().find("`current` cannot be used"), std::string::npos) << report;
  EXPECT_EQ(Run({"get", "k2"}).out, ValueAt(2));
  EXPECT_FALSE(fs::is_symlink(store() + "/current")) << "reading changes nothing";
  EXPECT_EQ(Run({"put", "new", "v"}).status, 0);
  EXPECT_TRUE(fs::is_symlink(store() + "/current"));
  EXPECT_EQ(Ok({"fsck"}), "ok\n") << "nothing is left over";
}

TEST_F(CtlDamage, WithoutSnapshotsNoVersionIsReachable) {
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
  EXPECT_EQ(FirstFinding()["where"], store() + "/ROLLBACK");
}

TEST_F(CtlDamage, AFileInPlaceOfAStoreEndsWith3) {
  WriteFile("file", "x");
  for (const Args& use : std::vector<Args>{{"info"}, {"get", "k"}, {"fsck"}, {"wal", "list"}}) {
    Args args = use;
    args.push_back("--store=" + File("file"));
    EXPECT_TRUE(EndedWith(Run(args), 3, "no store here")) << use.front();
    args.back() += "/below";
    EXPECT_TRUE(EndedWith(Run(args), 3, "no store here")) << use.front();
  }
}

TEST_F(CtlDamage, NextOpenSweepsTheLeftoversThatFsckNotes) {
  for (const char* const name :
       {"working.new/x.tmp", "STORE.tmp", "made-by-nobody.tmp", "views.removing/x"}) {
    const fs::path path = store() + "/" + name;
    fs::create_directories(path.parent_path());
    WriteFile("store/" + std::string(name), "x");
  }
  fs::create_directory_symlink(Snapshot(6), store() + "/link.tmp");
  const Json notes = OkJson({"fsck"})["notes"];
  EXPECT_EQ(notes.size(), 5u) << notes;
  Ok({"get", "k2", "--read_only"});
  EXPECT_EQ(OkJson({"fsck"})["notes"], notes) << "reading changes nothing";
  Ok({"get", "k2"});
  EXPECT_EQ(OkJson({"fsck"})["notes"], Json::array());
  EXPECT_TRUE(fs::exists(Snapshot(6))) << "a link is not followed";
}

TEST_F(CtlDamage, DamagedWorkingIndexThatTheNextOpenRebuildsIsANote) {
  for (const char* const file : {"/working/BASE", "/working/index/CURRENT"}) {
    FlipByte(store() + file, 3);
    const Json report = OkJson({"fsck"});
    EXPECT_NE(report["notes"].dump().find("the next open rebuilds it"), std::string::npos) << report;
    EXPECT_EQ(Ok({"get", "k2"}), ValueAt(2)) << "reading does not need the working index";
    EXPECT_EQ(Run({"put", "new", "v"}).status, 0);
    EXPECT_EQ(OkJson({"fsck"})["notes"], Json::array());
  }
}

TEST_F(CtlDamage, ApplyRefusesADirectoryWithoutALineNumber) {
  const CtlResult result = Run({"apply", File("")});
  EXPECT_TRUE(EndedWith(result, 2, "cannot be read: Is a directory"));
  EXPECT_EQ(result.err.find("line 0"), std::string::npos) << result.err;
}

TEST_F(CtlDamage, RollbackToTheNewestSnapshotReplacesALogThatIsDamagedBelowIt) {
  const std::string log = store() + "/wal/00000000000000000001.log";
  const size_t at = ReadFile(log).find("k2", 4096);  // version 2 is the first to write it
  ASSERT_NE(at, std::string::npos);
  FlipByte(log, static_cast<std::streamoff>(at));
  const Json plan = Rows(Run({"rollback", "--version=6", "--dry_run", "--json"}).out).front();
  EXPECT_EQ(plan["from"], 8);
  EXPECT_EQ(plan["versions_dropped"], Json::array({7, 8}));
  EXPECT_TRUE(EndedWith(Run({"rollback", "--version=8", "--dry_run"}), 3,
                        "lost to damage"));  // the message does not claim that the version was never made
  EXPECT_EQ(Run({"rollback", "--version=6", "--yes"}).status, 0);
  EXPECT_EQ(Ok({"get", "k2"}), ValueAt(2));
}

// The tip is a snapshot: rollback replaces only the log, and the plan lists the versions that are lost.
TEST_F(CtlDamage, RollbackToTheTipReplacesALogThatIsDamagedBelowIt) {
  Ok({"snapshot", "create"});
  const std::string log = store() + "/wal/00000000000000000001.log";
  const size_t at = ReadFile(log).find("k2", 4096);
  ASSERT_NE(at, std::string::npos);
  FlipByte(log, static_cast<std::streamoff>(at));
  fs::remove_all(store() + "/working");
  EXPECT_TRUE(EndedWith(Run({"get", "k2"}), 4, "version 2"));
  EXPECT_TRUE(EndedWith(Run({"rollback", "--version=7", "--dry_run"}), 3, "lost to damage"));
  const Json plan = Rows(Run({"rollback", "--version=8", "--dry_run", "--json"}).out).front();
  EXPECT_EQ(plan["from"], 8);
  EXPECT_TRUE(plan["versions_dropped"].is_null());
  EXPECT_EQ(plan["log_begins_anew"], true);
  EXPECT_EQ(plan["history_dropped"], Json::parse("[[0,3],[5,7]]")) << "4 has a pin";
  const CtlResult unasked = Run({"rollback", "--version=8"});
  EXPECT_EQ(unasked.status, 3) << "older versions are dropped";
  EXPECT_NE(unasked.err.find("--yes"), std::string::npos) << unasked.err;
  EXPECT_NE(Ok({"rollback", "--version=8", "--yes"}).find("history dropped    0 to 3"), std::string::npos);
  EXPECT_EQ(Ok({"get", "k2"}), ValueAt(2));
  EXPECT_EQ(OkJson({"info"})["reachable"], Json::parse("[[4,4],[8,8]]"));
  const Json report = OkJson({"fsck", "--deep"});
  EXPECT_EQ(report["findings"], Json::array());
  EXPECT_EQ(report["notes"].size(), 2u) << "snapshots 0 and 6 wait to be removed: " << report["notes"];
  EXPECT_EQ(Run({"rollback", "--version=8"}).status, 0) << "nothing is left to do";
}

// `current` and the working index share these tables by hard links.
TEST_F(CtlDamage, OpenFallsBackToAnOlderSnapshotWhereSharedTablesAreDamaged) {
  std::set<std::string> older;
  for (const std::string& path : TablesIn(Snapshot(4) + "/index")) older.insert(fs::path(path).filename());
  size_t damaged = 0;
  for (const std::string& path : TablesIn(Snapshot(6) + "/index")) {
    if (older.count(fs::path(path).filename()) != 0) continue;
    FlipByte(path,
             static_cast<std::streamoff>(fs::file_size(path)) - 4);  // the footer: the table cannot be opened
    ++damaged;
  }
  ASSERT_NE(damaged, 0u);
  EXPECT_EQ(Run({"fsck"}).status, 1);
  EXPECT_EQ(Run({"get", "k2", "--read_only"}).out, ValueAt(2)) << "a read-only open moves nothing";
  EXPECT_TRUE(fs::exists(Snapshot(6)));
  const CtlResult got = Run({"get", "k2"});
  EXPECT_EQ(got.out, ValueAt(2));
  EXPECT_NE(got.log.find("`current` cannot be used"), std::string::npos) << got.log;
  EXPECT_EQ(OkJson({"info"})["aside"], Json::array()) << "info moves nothing, either";
  EXPECT_EQ(Run({"snapshot", "create"}).status, 0);
  const Json info = OkJson({"info"});
  EXPECT_EQ(info["aside"], Json::array({fs::path(Snapshot(6)).filename().string() + ".damaged"}));
  EXPECT_EQ(info["version"], 8);
  EXPECT_NE(Ok({"info"}).find("aside"), std::string::npos);
  EXPECT_EQ(Run({"fsck", "--deep"}).status, 0);
}

// The tip has k0 = value 6, k1 = value 7 and k2 = value 8.
class CtlDropDamaged : public CtlDamage {
 protected:
  void SetUp() override {
    Format();
    Commit(8);
    SkipFinalCheck();
  }
  // Flips a byte in the payload of value `version`.
  void DamageValue(int version) const {
    const std::string device = ReadFile(store() + "/device.img");
    const size_t at = device.find(ValueAt(version));
    ASSERT_NE(at, std::string::npos);
    FlipByte(store() + "/device.img", static_cast<std::streamoff>(at) + 1000);
  }
  uint64_t Tip() const { return OkJson({"info"})["version"]; }
};

TEST_F(CtlDropDamaged, DeletesExactlyTheKeysWhosePayloadIsGone) {
  DamageValue(7);
  DamageValue(4);  // k1 at version 4
  const CtlResult done = Run({"fsck", "--repair", "--drop_damaged", "--yes"});
  EXPECT_EQ(done.status, 0) << done.out << done.err;
  EXPECT_EQ(done.out.find("dropped: k1 (version 7): corruption: "), 0u) << done.out;
  EXPECT_NE(done.out.find("1 damaged key dropped at version 9; older versions are untouched"),
            std::string::npos);
  EXPECT_EQ(Ok({"scan"}), "k0\t2000\t6\nk2\t2000\t8\n");
  EXPECT_EQ(Ok({"get", "k0"}), ValueAt(6));
  EXPECT_EQ(Ok({"get", "k2"}), ValueAt(8));
  EXPECT_EQ(Ok({"get", "k2", "--version=7"}), ValueAt(5));
  EXPECT_EQ(Run({"get", "k1", "--version=8"}).status, 4) << "the older version is as it was";
  const Json again = OkJson({"fsck", "--repair", "--drop_damaged", "--yes"});
  EXPECT_EQ(again["damaged_keys"], Json::array()) << "nothing is left at the tip";
  EXPECT_EQ(again["dropped_at"], nullptr);
  EXPECT_EQ(Tip(), 9);
  EXPECT_EQ(Run({"fsck", "--deep"}).status, 1) << "older versions have the damage";
}

TEST_F(CtlDropDamaged, AnUndamagedStoreStaysAsItIs) {
  Ok({"fsck", "--repair", "--drop_damaged"});
  EXPECT_EQ(Tip(), 8);
}

TEST_F(CtlDropDamaged, ListsTheKeysFirstAndNeedsAYes) {
  DamageValue(7);
  DamageValue(8);
  const CtlResult plan = Run({"fsck", "--repair", "--drop_damaged", "--dry_run", "--json"});
  const Json document = Rows(plan.out).front();
  ASSERT_EQ(document["damaged_keys"].size(), 2u) << plan.out;
  EXPECT_EQ(Fields(document["damaged_keys"][0]), (Args{"key", "version", "message"}));
  EXPECT_EQ(document["damaged_keys"][0]["key"], "k1");
  EXPECT_EQ(document["damaged_keys"][1]["version"], 8);
  EXPECT_EQ(document["dropped_at"], nullptr);
  const CtlResult shown_plan = Run({"fsck", "--repair", "--drop_damaged", "--dry_run"});
  EXPECT_NE(shown_plan.out.find("would drop: k2 (version 8): "), std::string::npos);
  EXPECT_TRUE(shown_plan.out.ends_with("\n2 damaged keys\n")) << shown_plan.out << "not ok: the status is 1";

  const CtlResult refused = Run({"fsck", "--repair", "--drop_damaged"});
  EXPECT_NE(refused.out.find("not dropped: k1 (version 7): "), std::string::npos) << refused.out;
  EXPECT_NE(refused.out.find("note: 2 damaged keys kept: refused (no confirmation)"), std::string::npos);
  EXPECT_TRUE(refused.out.ends_with("\n2 damaged keys\n")) << refused.out;
  EXPECT_EQ(refused.status, 1);
  EXPECT_EQ(Tip(), 8);

  CtlConversation asked({"fsck", "--repair", "--drop_damaged", "--store=" + store()},
                        CtlConversation::Input::kTerminal);
  const std::string shown = asked.ReadTerminalUntil("Type yes to continue: ");
  EXPECT_NE(shown.find("would drop: k1 (version 7): "), std::string::npos) << shown;
  EXPECT_NE(shown.find("older versions stay as they are."), std::string::npos) << shown;
  asked.Write("yes\n");
  EXPECT_NE(asked.ReadOutputToEnd().find("dropped: k2 (version 8): "), std::string::npos);
  EXPECT_EQ(asked.Wait(), 0);
  EXPECT_EQ(Ok({"scan"}), "k0\t2000\t6\n");
}

TEST_F(CtlDropDamaged, ReportsTheRepairsOfAStoreThatCannotBeOpened) {
  fs::remove_all(Snapshot(0));
  fs::remove_all(store() + "/working");
  const CtlResult result = Run({"fsck", "--repair", "--drop_damaged", "--yes"});
  EXPECT_EQ(result.status, 1) << result.err;
  EXPECT_NE(result.out.find("note: the keys were not read, because the store cannot be opened"),
            std::string::npos)
      << result.out;
}

TEST_F(CtlDropDamaged, NeedsRepair) {
  EXPECT_TRUE(EndedWith(Run({"fsck", "--drop_damaged"}), 2, "--drop_damaged need --repair"));
}

}  // namespace
}  // namespace rawkv::ctl
