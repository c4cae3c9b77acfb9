#include <filesystem>
#include <fstream>

#include "tests/tools/ctl_fixture.h"

// fsck and wal, and the answer of every command on a damaged store.
namespace rawkv::ctl {
namespace {

class CtlCheck : public CtlTest {
 protected:
  void SetUp() override {
    Format();
    Commit(5);
  }

  // Changes one byte of the first occurrence of `what` in the file.
  void Damage(const std::string& path, const std::string& what) {
    std::string bytes = ReadFile(path);
    const size_t at = bytes.find(what);
    ASSERT_NE(at, std::string::npos) << path;
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(bytes[at] ^ 1));
    SkipFinalCheck();
  }
  std::string Log() const { return store() + "/wal/00000000000000000001.log"; }
  std::string Device() const { return store() + "/device.img"; }
};

TEST_F(CtlCheck, FsckOfAGoodStoreEndsWith0) {
  const Json report = OkJson({"fsck"});
  EXPECT_EQ(Fields(report), (Args{"ok", "deep", "findings", "notes"}));
  EXPECT_EQ(report["ok"], true);
  EXPECT_EQ(report["deep"], false);
  EXPECT_TRUE(report["findings"].empty());
  EXPECT_EQ(OkJson({"fsck", "--deep"})["deep"], true);
  EXPECT_EQ(Ok({"fsck"}), "ok\n");
}

TEST_F(CtlCheck, FsckNotesDefectsThatTheNextOpenRepairs) {
  std::filesystem::remove_all(store() + "/working");
  const Json report = OkJson({"fsck"});
  EXPECT_EQ(report["ok"], true);
  EXPECT_FALSE(report["notes"].empty());
  EXPECT_EQ(Ok({"get", "k2"}), ValueAt(5));
}

TEST_F(CtlCheck, DeepFsckOfADamagedPayloadEndsWith1) {
  Damage(Device(), ValueAt(5).substr(0, 100));
  const CtlResult result = Run({"fsck", "--deep", "--json"});
  EXPECT_EQ(result.status, 1) << result.err;
  EXPECT_EQ(result.err, "");
  const Json report = Rows(result.out).front();
  EXPECT_EQ(report["ok"], false);
  ASSERT_FALSE(report["findings"].empty());
  EXPECT_EQ(Fields(report["findings"][0]), (Args{"kind", "where", "version", "message"}));
  EXPECT_EQ(report["findings"][0]["kind"], "payload");
  const CtlResult text = Run({"fsck", "--deep"});
  EXPECT_EQ(text.status, 1);
  EXPECT_EQ(text.out.find("damage: payload: "), 0u) << text.out;
}

TEST_F(CtlCheck, ReadingADamagedPayloadEndsWith4AndPrintsNothing) {
  Damage(Device(), ValueAt(5).substr(0, 100));
  WriteFile("out", "old");
  EXPECT_TRUE(EndedWith(Run({"get", "k2"}), 4, "get: corruption: "));
  EXPECT_TRUE(EndedWith(Run({"get", "k2", "--out=" + File("out")}), 4, "get: corruption: "));
  EXPECT_EQ(ReadFile(File("out")), "old");
  EXPECT_EQ(Ok({"get", "k1"}), ValueAt(4)) << "the other payloads are good";
  const CtlResult scan = Run({"scan", "--sha256", "--json"});
  EXPECT_EQ(scan.status, 4);
  EXPECT_EQ(Rows(scan.out).size(), 2u) << "the rows before the damage";
  EXPECT_EQ(Run({"scan"}).status, 0) << "scan reads no payload";
  EXPECT_EQ(Run({"export", "--version=5", "--out=" + File("export")}).status, 4);
}

TEST_F(CtlCheck, ScrubPrintsHowMuchItRead) {
  const Json report = OkJson({"scrub"});
  EXPECT_EQ(Fields(report), (Args{"ok", "pass", "resumed", "bytes", "records", "snapshots", "payloads",
                                  "findings_total", "findings"}));
  EXPECT_EQ(report["ok"], true);
  EXPECT_EQ(report["pass"], 1);
  EXPECT_EQ(report["records"], 5);
  EXPECT_EQ(report["payloads"], 5) << "three payloads of the tip, two of older versions";
  EXPECT_EQ(OkJson({"scrub", "--rate=0"})["pass"], 2);
  const std::string text = Ok({"scrub", "--rate=1GiB", "--restart"});
  EXPECT_EQ(text.find("pass 3: "), 0u) << text;
  EXPECT_NE(text.find("\nok\n"), std::string::npos) << text;
}

TEST_F(CtlCheck, ScrubEndsWith1AtDamage) {
  Damage(Device(), ValueAt(5).substr(0, 100));
  const CtlResult result = Run({"scrub", "--json"});
  EXPECT_EQ(result.status, 1) << result.err;
  const Json report = Rows(result.out).front();
  EXPECT_EQ(report["ok"], false);
  ASSERT_EQ(report["findings"].size(), 1u);
  EXPECT_EQ(report["findings"][0]["kind"], "payload");
  EXPECT_EQ(report["findings"][0]["where"], "k2");
  EXPECT_EQ(report["findings"][0]["version"], 5);
  const CtlResult text = Run({"scrub"});
  EXPECT_EQ(text.status, 1);
  EXPECT_EQ(text.out.find("damage: payload: k2 (version 5): "), 0u) << text.out;
  EXPECT_TRUE(EndedWith(Run({"scrub", "--rate=fast"}), 2, "--rate"));
  EXPECT_TRUE(EndedWith(Run({"scrub", "--read_only"}), 3, "reading only"));
}

TEST_F(CtlCheck, WalListHasOneRowPerSegment) {
  const std::vector<Json> rows = Rows(Ok({"wal", "list", "--json"}));
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(Fields(rows[0]), (Args{"segment", "first_version", "last_version", "bytes", "sealed"}));
  EXPECT_EQ(rows[0]["segment"], "00000000000000000001.log");
  EXPECT_EQ(rows[0]["first_version"], 1);
  EXPECT_EQ(rows[0]["last_version"], 5);
  EXPECT_EQ(rows[0]["sealed"], false);
  EXPECT_NE(Ok({"wal", "list"}).find("00000000000000000001.log\t1 to 5\t"), std::string::npos);
}

TEST_F(CtlCheck, WalDumpHasOneRowPerVersion) {
  Ok({"del", "k1"});
  const std::vector<Json> rows = Rows(Ok({"wal", "dump", "--json"}));
  ASSERT_EQ(rows.size(), 6u);
  EXPECT_EQ(Fields(rows[0]),
            (Args{"version", "lineage", "time_unix_ms", "puts", "deletes", "durable_through"}));
  EXPECT_EQ(rows[2]["version"], 3);
  EXPECT_EQ(rows[2]["puts"], 1);
  EXPECT_EQ(rows[5]["deletes"], 1);
  EXPECT_EQ(rows[0]["lineage"], OkJson({"info"})["lineage"]);
  EXPECT_NE(Ok({"wal", "dump"}).find("\t1 put\t0 deletes\tdurable through "), std::string::npos);
}

TEST_F(CtlCheck, WalVerifyReadsEveryRecord) {
  const Json report = OkJson({"wal", "verify"});
  EXPECT_EQ(Fields(report), (Args{"ok", "deep", "findings", "notes"}));
  EXPECT_EQ(report["ok"], true);
}

class CtlDamagedLog : public CtlCheck {
 protected:
  void SetUp() override {
    Format();
    Ok({"apply", "-"}, {.input = R"({"put":[{"key":"a","value":"first value"}]})"
                                 "\n"
                                 R"({"put":[{"key":"b","value":"second value"}]})"
                                 "\n"
                                 R"({"put":[{"key":"c","value":"third value"}]})"});
    Damage(Log(), "second value");
  }
};

TEST_F(CtlDamagedLog, WalDumpPrintsRowsBeforeTheDamageAndEndsWith4) {
  const CtlResult dump = Run({"wal", "dump", "--json"});
  EXPECT_EQ(dump.status, 4) << dump.err;
  ASSERT_EQ(Rows(dump.out).size(), 1u);
  EXPECT_EQ(Rows(dump.out)[0]["version"], 1);
}

TEST_F(CtlDamagedLog, ChecksEndWith1) {
  const CtlResult verify = Run({"wal", "verify", "--json"});
  EXPECT_EQ(verify.status, 1) << verify.err;
  EXPECT_EQ(Rows(verify.out).front()["findings"][0]["kind"], "log");
  const CtlResult fsck = Run({"fsck", "--json"});
  EXPECT_EQ(fsck.status, 1) << fsck.err;
  EXPECT_EQ(Rows(fsck.out).front()["ok"], false);
}

TEST_F(CtlDamagedLog, RepairDryRunListsVersionsToGiveUpAndChangesNothing) {
  const std::string before = ReadFile(Log());
  const CtlResult result = Run({"fsck", "--repair", "--dry_run", "--json"});
  EXPECT_EQ(result.status, 1) << result.err;
  const Json plan = Rows(result.out).front();
  EXPECT_EQ(Fields(plan), (Args{"ok", "deep", "findings", "notes", "repaired", "gives_up", "pins_dropped",
                                "dry_run", "trusted"}));
  EXPECT_EQ(plan["dry_run"], true);
  EXPECT_EQ(plan["gives_up"].dump(), "[[2,3]]");
  ASSERT_EQ(plan["repaired"].size(), 1u);
  EXPECT_EQ(Fields(plan["repaired"][0]), (Args{"action", "where", "version", "message"}));
  EXPECT_EQ(plan["repaired"][0]["action"], "rollback");
  EXPECT_EQ(ReadFile(Log()), before);
  const CtlResult text = Run({"fsck", "--repair", "--dry_run"});
  EXPECT_EQ(text.out.find("would repair: rollback: "), 0u) << text.out;
  EXPECT_NE(text.out.find("gives up: versions 2 to 3\n"), std::string::npos) << text.out;
}

TEST_F(CtlDamagedLog, RepairGivesNoVersionUpWithoutConfirmation) {
  const std::string before = ReadFile(Log());
  const CtlResult result = Run({"fsck", "--repair", "--json"});
  EXPECT_EQ(result.status, 1) << result.err;
  const Json report = Rows(result.out).front();
  EXPECT_TRUE(report["repaired"].empty());
  EXPECT_NE(report["notes"].dump().find("--yes"), std::string::npos) << report["notes"].dump();
  EXPECT_EQ(ReadFile(Log()), before);
  EXPECT_EQ(Run({"get", "a"}).status, 4);
}

TEST_F(CtlDamagedLog, RepairWithYesEndsWith0) {
  const Json report = OkJson({"fsck", "--repair", "--yes"});
  EXPECT_EQ(report["ok"], true);
  EXPECT_EQ(report["repaired"][0]["action"], "rollback");
  EXPECT_TRUE(std::filesystem::exists(store() + "/wal.damaged"));
  EXPECT_EQ(Ok({"get", "a"}), "first value");
  EXPECT_EQ(Ok({"put", "b", "again"}), "2\n");
  EXPECT_EQ(Ok({"fsck", "--deep"}).find("note: wal.damaged "), 0u)
      << "fsck reports the directory until someone removes it";
}

TEST_F(CtlCheck, LosslessRepairNeedsNoConfirmation) {
  std::fstream device(Device(), std::ios::in | std::ios::out | std::ios::binary);
  device.seekp(200);
  device.put('x');
  device.close();
  EXPECT_EQ(Run({"fsck"}).status, 1);
  const std::string text = Ok({"fsck", "--repair"});
  EXPECT_EQ(text.find("repaired: superblock: "), 0u) << text;
  EXPECT_EQ(Ok({"fsck"}), "ok\n");
}

TEST_F(CtlCheck, RepairOfAGoodStoreDoesNothing) {
  const Json report = OkJson({"fsck", "--repair"});
  EXPECT_TRUE(report["repaired"].empty());
  EXPECT_EQ(Ok({"fsck", "--repair", "--yes"}), "ok\n");
}

TEST_F(CtlCheck, YesAndDryRunNeedRepair) {
  EXPECT_TRUE(EndedWith(Run({"fsck", "--yes"}), 2, "--repair"));
  EXPECT_TRUE(EndedWith(Run({"fsck", "--dry_run"}), 2, "--repair"));
}

TEST_F(CtlDamagedLog, InfoPrintsTheReadablePartAndEndsWith4) {
  const CtlResult info = Run({"info", "--json"});
  EXPECT_EQ(info.status, 4) << info.err;
  ASSERT_EQ(Rows(info.out).size(), 1u);
  const Json document = Rows(info.out).front();
  EXPECT_NE(document["health"], "ok");
  EXPECT_EQ(document["store_uuid"].get<std::string>().size(), 36u);
  EXPECT_TRUE(document["writer"].is_null());
  EXPECT_NE(info.err.find("rawkv-ctl: info: corruption: "), std::string::npos) << info.err;
}

TEST_F(CtlDamagedLog, EveryCommandThatOpensTheStoreEndsWith4) {
  for (const Args& use : std::vector<Args>{{"put", "k", "v"},
                                           {"get", "a"},
                                           {"del", "k"},
                                           {"scan"},
                                           {"apply", "-"},
                                           {"snapshot", "create"},
                                           {"snapshot", "delete", "--version=0"},
                                           {"snapshot", "prune"},
                                           {"snapshot", "pin", "--name=p"},
                                           {"snapshot", "unpin", "--name=p"},
                                           {"export", "--version=1", "--out=" + File("out")},
                                           {"stats"}}) {
    const CtlResult result = Run(use, {.input = "{}\n"});
    EXPECT_EQ(result.status, 4) << use.front() << result.err;
    EXPECT_EQ(result.out, "") << use.front();
  }
}

TEST_F(CtlCheck, RepairDryRunWorksAlongsideAWriter) {
  Ok({"snapshot", "create"});
  CtlConversation writer({"apply", "-", "--store=" + store()}, CtlConversation::Input::kPipe);
  writer.Write("{}\n");
  ASSERT_NE(writer.ReadLine(), "");
  const CtlResult whole = Run({"fsck", "--repair", "--dry_run", "--json"});
  EXPECT_EQ(whole.status, 0) << whole.err;
  EXPECT_TRUE(Rows(whole.out).front()["repaired"].empty());
  EXPECT_NE(Rows(whole.out).front()["notes"].dump().find("process "), std::string::npos) << whole.out;
  EXPECT_EQ(Run({"fsck", "--repair", "--yes"}).status, 3) << "a repair needs the lock";
  // A snapshot that is not `current` loses its manifest.
  const std::string manifest = store() + "/snapshot-00000000000000000000/MANIFEST";
  std::string bytes = ReadFile(manifest);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  std::ofstream(manifest, std::ios::binary) << bytes;
  const CtlResult plan = Run({"fsck", "--repair", "--dry_run"});
  EXPECT_EQ(plan.status, 1) << plan.err;
  EXPECT_NE(plan.out.find("would repair: quarantine: "), std::string::npos) << plan.out;
  EXPECT_EQ(ReadFile(manifest), bytes);
  writer.CloseInput();
  EXPECT_EQ(writer.Wait(), 0);
  SkipFinalCheck();
}

// STORE and its copy are damaged, so no command can trust anything in the store.
class CtlDamagedStore : public CtlCheck {
 protected:
  void SetUp() override {
    CtlCheck::SetUp();
    for (const std::string name : {"/STORE", "/STORE-COPY"}) {
      std::string bytes = ReadFile(store() + name);
      bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
      std::ofstream(store() + name, std::ios::binary) << bytes;
    }
    SkipFinalCheck();
  }
};

TEST_F(CtlDamagedStore, RepairAsksAndThenNamesWhatItTrusted) {
  const CtlResult asked = Run({"fsck", "--repair", "--json"});
  EXPECT_EQ(asked.status, 1) << asked.err;
  const Json skipped = Rows(asked.out).front();
  EXPECT_TRUE(skipped["repaired"].empty());
  EXPECT_NE(skipped["notes"].dump().find("--yes"), std::string::npos) << skipped["notes"].dump();

  const CtlResult planned = Run({"fsck", "--repair", "--dry_run"});
  EXPECT_EQ(planned.status, 1) << planned.err;
  EXPECT_NE(planned.out.find("would repair: restore: " + store() + "/STORE"), std::string::npos)
      << planned.out;
  EXPECT_NE(planned.out.find("trusts: the superblock of "), std::string::npos) << planned.out;

  const CtlResult result = Run({"fsck", "--repair", "--yes", "--json"});
  EXPECT_EQ(result.status, 0) << result.err;
  const Json report = Rows(result.out).front();
  EXPECT_EQ(report["repaired"][0]["action"], "restore");
  EXPECT_FALSE(report["trusted"].empty());
  EXPECT_EQ(Run({"get", "k0"}).status, 0);
}

TEST_F(CtlDamagedStore, RepairWithoutTheDeviceChangesNothingAndNamesTheNextStep) {
  std::filesystem::rename(store() + "/device.img", store() + "/moved.img");
  const CtlResult result = Run({"fsck", "--repair", "--yes", "--json"});
  EXPECT_EQ(result.status, 1) << result.err;
  const Json report = Rows(result.out).front();
  EXPECT_TRUE(report["repaired"].empty());
  EXPECT_NE(report["notes"].dump().find("--device"), std::string::npos) << report["notes"].dump();
  EXPECT_EQ(Run({"fsck", "--repair", "--yes", "--device=" + store() + "/moved.img"}).status, 0);
  EXPECT_EQ(Run({"get", "k0"}).status, 0) << "the repair did not keep the device's place";
}

TEST_F(CtlDamagedStore, FsckFindsTheDamagedStoreFile) {
  const CtlResult result = Run({"fsck", "--json"});
  EXPECT_EQ(result.status, 1) << result.err;
  EXPECT_EQ(Rows(result.out).front()["findings"][0]["kind"], "store");
}

TEST_F(CtlDamagedStore, EveryOtherCommandEndsWith4) {
  for (const Args& use : std::vector<Args>{{"put", "k", "v"},
                                           {"get", "k0"},
                                           {"scan"},
                                           {"info"},
                                           {"snapshot", "create"},
                                           {"snapshot", "list"},
                                           {"snapshot", "verify"},
                                           {"rollback", "--version=1", "--yes"},
                                           {"rollback", "--version=1", "--dry_run"},
                                           {"wal", "list"},
                                           {"wal", "dump"},
                                           {"stats"}}) {
    const CtlResult result = Run(use);
    EXPECT_EQ(result.status, 4) << use.front() << result.err;
    EXPECT_NE(result.err.find("STORE"), std::string::npos) << use.front() << result.err;
  }
}

}  // namespace
}  // namespace rawkv::ctl
