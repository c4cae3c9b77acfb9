#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/clock.h"
#include "base/fs.h"
#include "base/uuid.h"
#include "engine/live/writer_status.h"
#include "tests/tools/ctl_fixture.h"

// info and stats, and every command while another process has the store open.
namespace rawkv::ctl {
namespace {

class CtlInfo : public CtlTest {
 protected:
  void SetUp() override { Format(); }

  static uint64_t Sum(const Json& slots) {
    return slots["live"].get<uint64_t>() + slots["pinned"].get<uint64_t>() +
           slots["reclaimable"].get<uint64_t>() + slots["reserved"].get<uint64_t>() +
           slots["free"].get<uint64_t>();
  }
};

TEST_F(CtlInfo, HasEveryFieldOfTheContractInOrder) {
  Commit(5);
  const Json info = OkJson({"info"});
  EXPECT_EQ(Fields(info),
            (Args{"store_uuid",      "device_uuid", "device",          "inline_bytes", "formats",
                  "initial_version", "version",     "durable_version", "lineage",      "reachable",
                  "current",         "snapshots",   "slots",           "pinned_by",    "pinned_shared",
                  "engine",          "durability",  "settings",        "health",       "writer",
                  "read_only_media", "given_up",    "recovery",        "checkpoint",   "aside"}));
  EXPECT_EQ(Fields(info["device"]), (Args{"path", "kind", "capacity_bytes", "slot_bytes", "header_bytes"}));
  EXPECT_EQ(Fields(info["slots"]),
            (Args{"at_version", "total", "live", "pinned", "reclaimable", "reserved", "free", "available"}));
  EXPECT_EQ(Fields(info["engine"]), (Args{"requested", "used", "reason"}));
  EXPECT_EQ(info["device"]["kind"], "file");
  EXPECT_EQ(info["version"], 5);
  EXPECT_EQ(info["durable_version"], 5);
  EXPECT_EQ(info["reachable"].dump(), "[[0,5]]");
  EXPECT_EQ(info["current"], 0);
  EXPECT_EQ(info["snapshots"], Json(Rows(Ok({"snapshot", "list", "--json"}))));
  EXPECT_EQ(info["durability"], "synced");
  EXPECT_EQ(info["health"], "ok");
  EXPECT_TRUE(info["writer"].is_null());
  EXPECT_TRUE(info["recovery"].is_null());
}

TEST_F(CtlInfo, AccountsForEverySlot) {
  Commit(5);
  const Json info = OkJson({"info"});
  EXPECT_EQ(info["slots"]["live"], 3);
  EXPECT_EQ(info["slots"]["pinned"], 2) << "two values were overwritten and are still reachable";
  EXPECT_EQ(Sum(info["slots"]), info["slots"]["total"]);
  uint64_t pinned = info["pinned_shared"];
  for (const Json& holder : info["pinned_by"]) {
    EXPECT_EQ(Fields(holder), (Args{"kind", "name", "version", "slots", "log_bytes", "table_bytes"}));
    pinned += holder["slots"].get<uint64_t>();
  }
  EXPECT_EQ(pinned, info["slots"]["pinned"]);
}

TEST_F(CtlInfo, NamesTheRequestedAndTheUsedEngine) {
  EXPECT_EQ(OkJson({"info", "--engine=posix"})["engine"]["used"], "posix");
  EXPECT_EQ(OkJson({"info", "--engine=posix"})["engine"]["requested"], "posix");
  EXPECT_EQ(OkJson({"info"})["engine"]["requested"], "auto");
}

TEST_F(CtlInfo, PrintsTextForPeople) {
  Commit(2);
  Ok({"snapshot", "pin", "--name=nightly"});
  const std::string text = Ok({"info"});
  EXPECT_NE(text.find("version      2 (durable 2, initial 0)\n"), std::string::npos) << text;
  EXPECT_NE(text.find("reachable    0 to 2\n"), std::string::npos) << text;
  EXPECT_NE(text.find("pinned: nightly"), std::string::npos) << text;
  EXPECT_NE(text.find("health       ok\n"), std::string::npos) << text;
}

TEST_F(CtlInfo, ReportsATailThatWasCut) {
  Commit(3);
  const std::string log = store() + "/wal/00000000000000000001.log";
  std::string bytes = ReadFile(log);
  // A part of a record after the last one, as a crash leaves it.
  const size_t end = bytes.find_last_not_of('\0') / 64 * 64 + 64;
  bytes.replace(end, 40, std::string(40, '\x11'));
  std::ofstream(log, std::ios::binary) << bytes;
  std::filesystem::remove_all(store() + "/working");
  const Json before = OkJson({"info"});
  EXPECT_EQ(before["version"], 3);
  EXPECT_EQ(before["recovery"], nullptr) << "info cuts nothing";
  EXPECT_EQ(Run({"snapshot", "create"}).status, 0);
  const Json recovery = OkJson({"info"})["recovery"];
  ASSERT_TRUE(recovery.is_object());
  EXPECT_EQ(Fields(recovery), (Args{"cut_after", "bytes", "unix_ms"}));
  EXPECT_EQ(recovery["cut_after"], 3);
  EXPECT_EQ(OkJson({"info"})["recovery"], recovery) << "kept in STORE";
  EXPECT_EQ(OkJson({"info"})["version"], 3);
}

TEST_F(CtlInfo, InfoOfAnAbsentStoreEndsWith3) {
  std::filesystem::remove_all(store());
  EXPECT_TRUE(EndedWith(Run({"info"}), 3, store()));
  EXPECT_TRUE(EndedWith(Run({"info", "--store=/"}), 3, "info: "));
}

TEST_F(CtlInfo, InfoOfAStoreWithoutItsDeviceEndsWith3) {
  Commit(1);
  SkipFinalCheck();
  std::filesystem::rename(store() + "/device.img", File("moved"));
  const CtlResult result = Run({"info"});
  EXPECT_EQ(result.status, 3) << result.err;
  EXPECT_EQ(Ok({"get", "k1", "--device=" + File("moved")}), ValueAt(1));
  EXPECT_EQ(Run({"get", "k1"}).status, 3) << "reading does not keep the new path";
  Ok({"put", "k2", "v", "--device=" + File("moved")});
  EXPECT_EQ(Ok({"get", "k1"}), ValueAt(1)) << "the hint was updated";
}

TEST_F(CtlInfo, TextDoesNotInventFiguresOfADeviceThatIsNotThere) {
  const CtlResult result = Run({"info", "--device=" + File("absent")});
  EXPECT_EQ(result.status, 3) << result.err;
  EXPECT_NE(result.out.find("device       " + File("absent") + " (not opened)\n"), std::string::npos)
      << result.out;
  EXPECT_NE(result.out.find("slots        not known\n"), std::string::npos) << result.out;
}

TEST_F(CtlInfo, AForeignDeviceEndsWith3) {
  Ok({"format", "--capacity=16MiB", "--store=" + File("other")});
  EXPECT_TRUE(EndedWith(Run({"get", "k", "--device=" + File("other/device.img")}), 3, "get: "));
}

TEST_F(CtlInfo, StatsHasSizesOfTheStoreAndCountersOfThisOpening) {
  Commit(3);
  const Json stats = OkJson({"stats"});
  EXPECT_EQ(Fields(stats), (Args{"store", "since_open"}));
  EXPECT_EQ(stats["store"]["version"], 3);
  EXPECT_EQ(stats["store"]["live_bytes"], 3 * 4096);
  EXPECT_EQ(stats["store"]["log_segments"], 1);
  EXPECT_EQ(stats["since_open"]["commits"], 0);
  EXPECT_NE(Ok({"stats"}).find("log_segments           1\n"), std::string::npos);
}

class CtlWithAWriter : public CtlTest {
 protected:
  void SetUp() override {
    Format();
    Commit(3);
    Ok({"snapshot", "create"});
    writer_ = std::make_unique<CtlConversation>(Args{"apply", "-", "--store=" + store()},
                                                CtlConversation::Input::kPipe);
    writer_->Write("{\"put\":[{\"key\":\"live\",\"value\":\"v\"}]}\n");
    ASSERT_EQ(writer_->ReadLine(), "4");
  }
  void TearDown() override {
    writer_->CloseInput();
    EXPECT_EQ(writer_->Wait(), 0);
    CtlTest::TearDown();
  }
  std::unique_ptr<CtlConversation> writer_;
};

TEST_F(CtlWithAWriter, InfoNamesTheWriter) {
  const Json info = OkJson({"info"});
  ASSERT_TRUE(info["writer"].is_object());
  EXPECT_EQ(Fields(info["writer"]), (Args{"pid", "host", "status"}));
  EXPECT_EQ(info["version"], 4) << "from the log";
  EXPECT_EQ(info["durable_version"], 3) << "the newest record proves the versions before it durable";
  EXPECT_EQ(info["slots"]["at_version"], 3) << "the version of `current`";
  EXPECT_NE(Ok({"info"}).find("has the store open\n"), std::string::npos);
}

TEST_F(CtlWithAWriter, StatsShowThatTheWriterHasFailed) {
  // An idle writer publishes nothing more once it has published its last commit.
  Json info;
  do {
    info = OkJson({"info"});
  } while (info["writer"]["status"].is_null() || info["writer"]["status"]["version"] != 4);
  EXPECT_EQ(OkJson({"stats"})["store"]["healthy"], 1);
  WriterInfo failed{.pid = info["writer"]["pid"], .host = info["writer"]["host"], .status = WriterStatus{}};
  failed.status->state = "unusable";
  failed.status->health = "io error: sync";
  const Result<Uuid> uuid = Uuid::Parse(info["store_uuid"].get<std::string>());
  ASSERT_TRUE(SaveWriterStatus(PosixFs(), store() + "/STATUS", failed, uuid.value()).ok());
  EXPECT_EQ(OkJson({"info"})["health"], "io error: sync");
  EXPECT_EQ(OkJson({"stats"})["store"]["healthy"], 0);
}

TEST_F(CtlWithAWriter, SnapshotVerifyAndWalDumpWork) {
  EXPECT_EQ(Rows(Ok({"snapshot", "verify", "--json"})).size(), 2u);
  EXPECT_EQ(Rows(Ok({"wal", "dump", "--json"})).size(), 4u);
}

TEST_F(CtlWithAWriter, SnapshotListAndWalListWork) {
  EXPECT_EQ(Rows(Ok({"snapshot", "list", "--json"})).back()["version"], 3);
  EXPECT_EQ(Rows(Ok({"wal", "list", "--json"})).back()["last_version"], 4);
}

TEST_F(CtlWithAWriter, CommandsThatReadKeysWork) {
  EXPECT_EQ(Ok({"get", "live"}), "v");
  EXPECT_EQ(Ok({"get", "k2", "--version=3"}), ValueAt(2));
  EXPECT_EQ(Rows(Ok({"scan", "--json"})).size(), 4u);
  EXPECT_EQ(OkJson({"stats"})["store"]["version"], 4);
  Ok({"export", "--version=1", "--out=" + File("out")});
  EXPECT_EQ(Rows(Ok({"export", "--list=" + File("out"), "--json"})).size(), 1u);
  writer_->Write("{}\n");
  EXPECT_EQ(writer_->ReadLine(), "5") << "the writer is not disturbed";
}

TEST_F(CtlWithAWriter, ChecksWorkAndNameWhatTheyLeaveOut) {
  for (const Args& use : std::vector<Args>{{"fsck"}, {"fsck", "--deep"}, {"wal", "verify"}}) {
    const Json report = OkJson(use);
    EXPECT_EQ(report["ok"], true);
    ASSERT_EQ(report["notes"].size(), 1u) << report;
    EXPECT_NE(report["notes"][0].get<std::string>().find("working index"), std::string::npos) << report;
  }
  writer_->Write("{}\n");
  EXPECT_EQ(writer_->ReadLine(), "5") << "the writer is not disturbed";
}

TEST_F(CtlWithAWriter, RollbackPlanIsBlockedByTheWriter) {
  const CtlResult result = Run({"rollback", "--version=1", "--dry_run", "--json"});
  EXPECT_EQ(result.status, 3);
  const Json plan = Rows(result.out).front();
  EXPECT_EQ(plan["to"], 1);
  ASSERT_EQ(plan["blocked_by"].size(), 1u);
  EXPECT_NE(plan["blocked_by"][0].get<std::string>().find("has the store open"), std::string::npos);
}

TEST_F(CtlWithAWriter, OtherCommandsEndWith3) {
  for (const Args& use : std::vector<Args>{{"put", "k", "v"},
                                           {"del", "k"},
                                           {"apply", "-"},
                                           {"fsck", "--repair"},
                                           {"rollback", "--version=1", "--yes"},
                                           {"format", "--force"}}) {
    EXPECT_TRUE(EndedWith(Run(use), 3, ": ")) << use.front();
  }
  writer_->Write("{}\n");
  EXPECT_EQ(writer_->ReadLine(), "5") << "the writer is not disturbed";
}

TEST_F(CtlWithAWriter, TheWriterPinsPrunesAndChangesSettingsWhenAsked) {
  EXPECT_EQ(Ok({"snapshot", "pin", "--name=before", "--version=2"}), "2\n");
  EXPECT_EQ(OkJson({"snapshot", "pin", "--name=now", "--time=0s ago"})["version"], 4);
  EXPECT_EQ(Ok({"snapshot", "create", "--wait=600"}), "4\n") << "it asks at once instead of waiting";
  EXPECT_EQ(Ok({"snapshot", "delete", "--version=0"}), "0\n");
  EXPECT_EQ(Ok({"snapshot", "prune", "--keep=0"}), "3\n");
  EXPECT_EQ(OkJson({"set", "keep_recent=5"})["keep_recent"], 5);
  EXPECT_EQ(OkJson({"snapshot", "unpin", "--name=now"}).dump(), R"({"name":"now","version":4})");
  EXPECT_TRUE(EndedWith(Run({"snapshot", "unpin", "--name=now"}), 3, "now"));
  EXPECT_TRUE(EndedWith(Run({"snapshot", "pin", "--name=p", "--version=9"}), 3, "9"));
  writer_->Write("{}\n");
  EXPECT_EQ(writer_->ReadLine(), "5") << "the writer is not disturbed";
  writer_->CloseInput();
  EXPECT_EQ(writer_->Wait(), 0);
  EXPECT_EQ(OkJson({"info"})["settings"]["keep_recent"], 5);
  EXPECT_EQ(Ok({"get", "k2", "--version=2"}), ValueAt(2));
  EXPECT_EQ(Ok({"snapshot", "unpin", "--name=before"}), "2\n");
}

TEST_F(CtlWithAWriter, WaitContinuesWhenTheWriterEnds) {
  CtlConversation waiting({"put", "k", "v", "--wait=600", "--store=" + store()},
                          CtlConversation::Input::kPipe);
  CtlConversation checking({"fsck", "--wait=600", "--store=" + store()}, CtlConversation::Input::kPipe);
  writer_->CloseInput();
  EXPECT_EQ(waiting.Wait(), 0);
  EXPECT_EQ(waiting.ReadLine(), "5");
  EXPECT_EQ(checking.Wait(), 0);
}

TEST_F(CtlWithAWriter, WaitEndsWith3AfterItsTime) {
  const uint64_t begin = SystemClock().MonotonicNs();
  EXPECT_TRUE(EndedWith(Run({"put", "k", "v", "--wait=1"}), 3, "--wait"));
  EXPECT_GE(SystemClock().MonotonicNs() - begin, 1'000'000'000u);
  EXPECT_TRUE(EndedWith(Run({"put", "k", "v", "--wait=-1"}), 2, "--wait"));
}

TEST_F(CtlTest, CommandsRespectAHeldLockFile) {
  Format();
  const auto lock = PosixFs().Lock(store() + "/LOCK");
  ASSERT_TRUE(lock.ok());
  EXPECT_TRUE(EndedWith(Run({"put", "k", "v"}), 3, "put: "));
  EXPECT_TRUE(EndedWith(Run({"snapshot", "pin", "--name=p"}), 3, "no process takes requests"));
  EXPECT_TRUE(EndedWith(Run({"fsck", "--repair"}), 3, "fsck: "));
  EXPECT_EQ(Run({"fsck"}).status, 0);
  EXPECT_EQ(Run({"info"}).status, 0);
  SkipFinalCheck();
}

}  // namespace
}  // namespace rawkv::ctl
