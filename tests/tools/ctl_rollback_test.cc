#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/tools/ctl_fixture.h"

namespace rawkv::ctl {
namespace {

class CtlRollback : public CtlTest {
 protected:
  void SetUp() override {
    Format();
    Commit(4);
    Ok({"snapshot", "create"});  // 4
    Ok({"put", "k0", "five"});
    Ok({"put", "k0", "six"});
  }

  uint64_t Tip() const { return OkJson({"info"})["version"]; }
};

TEST_F(CtlRollback, ReturnsToTheTargetAndDropsLaterVersions) {
  const Json plan = OkJson({"rollback", "--version=5", "--yes"});
  EXPECT_EQ(Fields(plan),
            (Args{"from", "to", "base", "records", "start", "versions_dropped", "snapshots_dropped",
                  "pins_dropped", "blocked_by", "log_begins_anew", "history_dropped", "replay_bytes",
                  "estimated_seconds", "rate_measured", "dry_run", "done"}));
  const uint64_t replay_bytes = plan["replay_bytes"];
  EXPECT_TRUE(replay_bytes > 0 && replay_bytes < 1024) << replay_bytes;  // a share of the segment
  Json rest = plan;
  rest.erase("replay_bytes");
  EXPECT_EQ(
      rest.dump(),
      R"({"from":6,"to":5,"base":4,"records":1,"start":4,"versions_dropped":[6,6],"snapshots_dropped":[],)"
      R"("pins_dropped":[],"blocked_by":[],"log_begins_anew":false,"history_dropped":[],)"
      R"("estimated_seconds":0.0,"rate_measured":false,"dry_run":false,"done":true})");
  EXPECT_EQ(Ok({"get", "k0"}), "five");
  EXPECT_TRUE(EndedWith(Run({"get", "k0", "--version=6"}), 3, "6"));
  EXPECT_EQ(Ok({"put", "k0", "another six"}), "6\n");
}

TEST_F(CtlRollback, AcceptsTheVersionInBothSpellings) {
  Ok({"rollback", "--version", "5", "--yes"});
  EXPECT_EQ(Tip(), 5u);
  Ok({"--version=4", "rollback", "--yes"});
  EXPECT_EQ(Tip(), 4u);
}

TEST_F(CtlRollback, DropsSnapshotsAboveTheTarget) {
  const std::string text = Ok({"rollback", "--version=2", "--yes"});
  EXPECT_EQ(text,
            "rollback from version 6 to version 2\n"
            "  base snapshot      0\n"
            "  records to replay  2\n"
            "  way                undo 2 versions of the working index at version 4\n"
            "  versions dropped   3 to 6\n"
            "  snapshot dropped   4\n"
            "  time               next to none: undo records lead back over 2 versions\n"
            "done: the store is at version 2\n");
  EXPECT_EQ(Ok({"get", "k2"}), ValueAt(2));
  EXPECT_EQ(Tip(), 2u);
}

TEST_F(CtlRollback, PlanNamesTheWay) {
  const auto way = [&](const std::string& version, const std::string& undo_versions) {
    Ok({"put", "again", "x", "--undo_versions=" + undo_versions});
    const std::string text = Ok({"rollback", "--version=" + version, "--dry_run"});
    const size_t at = text.find("  way ") + 21;
    return text.substr(at, text.find('\n', at) - at);
  };
  EXPECT_EQ(way("4", "128"), "the snapshot is the target");
  EXPECT_EQ(way("3", "128"), "undo 1 version of the working index at version 4");
  EXPECT_EQ(way("5", "128"), "replay 1 version on the working index at version 4");
  std::filesystem::remove_all(store() + "/working");
  EXPECT_EQ(Ok({"rollback", "--version=3", "--dry_run"}).find("undo"), std::string::npos);
}

TEST_F(CtlRollback, DryRunPrintsThePlanAndChangesNothing) {
  const Json plan = OkJson({"rollback", "--version=2", "--dry_run"});
  EXPECT_EQ(plan["snapshots_dropped"].dump(), "[4]");
  EXPECT_EQ(plan["versions_dropped"].dump(), "[3,6]");
  EXPECT_EQ(plan["dry_run"], true);
  EXPECT_EQ(plan["done"], false);
  EXPECT_EQ(Tip(), 6u);
}

TEST_F(CtlRollback, RefusesWithoutConfirmationWith3) {
  const CtlResult result = Run({"rollback", "--version=5", "--json"});
  EXPECT_EQ(result.status, 3);
  EXPECT_EQ(result.err.find("rawkv-ctl: rollback: refused (no confirmation)"), 0u) << result.err;
  EXPECT_EQ(Rows(result.out).front()["done"], false);
  EXPECT_EQ(Run({"rollback", "--version=5"}).status, 3);
  EXPECT_EQ(Tip(), 6u);
}

TEST_F(CtlRollback, AsksOnATerminal) {
  {
    CtlConversation talk({"rollback", "--version=5", "--store=" + store()},
                         CtlConversation::Input::kTerminal);
    EXPECT_EQ(talk.ReadLine(), "rollback from version 6 to version 5");
    EXPECT_NE(talk.ReadTerminalUntil("Type yes to continue: ").find("cannot be restored"), std::string::npos);
    talk.Write("no\n");
    EXPECT_EQ(talk.Wait(), 3);
  }
  EXPECT_EQ(Tip(), 6u);
  CtlConversation talk({"rollback", "--version=5", "--json", "--store=" + store()},
                       CtlConversation::Input::kTerminal);
  EXPECT_NE(talk.ReadTerminalUntil("Type yes to continue: ").find("versions dropped   6"), std::string::npos);
  talk.Write("yes\n");
  EXPECT_EQ(Rows(talk.ReadOutputToEnd()).at(0)["done"], true);
  EXPECT_EQ(talk.Wait(), 0);
  EXPECT_EQ(Tip(), 5u);
}

TEST_F(CtlRollback, RollbackToTheTipChangesNothingAndAsksNothing) {
  const Json before = OkJson({"info"});
  const Json plan = OkJson({"rollback", "--version=6"});
  EXPECT_TRUE(plan["versions_dropped"].is_null());
  EXPECT_EQ(plan["done"], true);
  EXPECT_EQ(OkJson({"info"})["lineage"], before["lineage"]);
}

TEST_F(CtlRollback, RefusesUnreachableVersionsWith3) {
  EXPECT_TRUE(EndedWith(Run({"rollback", "--version=7", "--yes"}), 3, "7"));
  Ok({"snapshot", "prune", "--keep=0"});
  EXPECT_TRUE(EndedWith(Run({"rollback", "--version=2", "--yes"}), 3, "2"));
  EXPECT_TRUE(EndedWith(Run({"rollback", "--version=2", "--dry_run"}), 3, "2"));
  EXPECT_EQ(Tip(), 6u);
}

TEST_F(CtlRollback, RefusesWrongUseWith2) {
  EXPECT_TRUE(EndedWith(Run({"rollback"}), 2, "give --version=N"));
  EXPECT_TRUE(EndedWith(Run({"rollback", "--yes"}), 2, "give --version=N"));
  EXPECT_TRUE(EndedWith(Run({"rollback", "--version"}), 2, "--version needs a value"));
  EXPECT_TRUE(EndedWith(Run({"rollback", "5", "--yes"}), 2, "one argument too many"));
}

TEST_F(CtlRollback, PinAboveTheTargetBlocksRollbackUnlessDropped) {
  Ok({"snapshot", "pin", "--name=keep", "--version=4"});
  const CtlResult dry = Run({"rollback", "--version=2", "--dry_run", "--json"});
  EXPECT_EQ(dry.status, 3);
  EXPECT_FALSE(Rows(dry.out).front()["blocked_by"].empty());
  const CtlResult refused = Run({"rollback", "--version=2", "--yes", "--json"});
  EXPECT_EQ(refused.status, 3);
  EXPECT_EQ(Rows(refused.out).front()["done"], false);
  EXPECT_NE(refused.err.find("keep"), std::string::npos) << refused.err;
  EXPECT_EQ(Tip(), 6u);
  const Json plan = OkJson({"rollback", "--version=2", "--yes", "--drop_pins"});
  EXPECT_EQ(plan["pins_dropped"].dump(), R"([{"name":"keep","version":4}])");
  EXPECT_EQ(Tip(), 2u);
}

// Versions 1 … 12 with about 1 MiB of log each, and no undo records.
class CtlLongReplay : public CtlTest {
 protected:
  void SetUp() override {
    Format({"--undo_versions=0", "--snapshot_interval=0"});
    std::string lines;
    for (int version = 1; version <= 12; ++version) {
      Json puts = Json::array();
      for (int key = 0; key < 1000; ++key) {
        puts.push_back({{"key", "k" + std::to_string(key)},
                        {"value", std::string(1000, static_cast<char>('a' + version))}});
      }
      lines += Json{{"put", puts}}.dump() + "\n";
    }
    Ok({"apply", "-"}, {.input = lines});
  }
  static constexpr uint64_t kMiB = 1 << 20;
};

TEST_F(CtlLongReplay, PlanEstimatesTheTime) {
  const Json plan = OkJson({"rollback", "--version=11", "--dry_run"});
  EXPECT_NEAR(plan["replay_bytes"].get<double>(), 11.0 * kMiB, 1.0 * kMiB);
  EXPECT_EQ(plan["rate_measured"], false);
  EXPECT_NEAR(plan["estimated_seconds"].get<double>(), plan["replay_bytes"].get<double>() / (10.0 * kMiB),
              0.001);
  const std::string text = Ok({"rollback", "--version=11", "--dry_run"});
  EXPECT_NE(text.find("  time               about 2 s: 1"), std::string::npos) << text;
  EXPECT_NE(text.find(" MiB of log at 10 MiB a second (assumed)\n"), std::string::npos) << text;
  EXPECT_NE(Ok({"rollback", "--version=0", "--dry_run"})
                .find("  time               next to none: no log is replayed\n"),
            std::string::npos);
  EXPECT_EQ(OkJson({"rollback", "--version=12", "--dry_run"})["estimated_seconds"], 0.0);
}

TEST_F(CtlLongReplay, ReadsAndPinsAnnounceMoreThanASecond) {
  const std::vector<Args> reads = {
      {"get", "k1"}, {"scan", "--limit=1"}, {"dump", "--prefix=k1"}, {"snapshot", "pin", "--name=old"}};
  for (Args args : reads) {
    SCOPED_TRACE(args.front());
    args.push_back("--version=1");
    if (args.front() != "snapshot") {
      EXPECT_EQ(Run(args).err, "") << "a tenth of a second";
    }
    args.back() = "--version=11";
    const CtlResult result = Run(args);
    EXPECT_EQ(result.status, 0);
    EXPECT_TRUE(result.err.starts_with("rawkv-ctl: replaying the log to version 11: about 2 s: 1"))
        << result.err;
    EXPECT_TRUE(result.err.ends_with(" MiB of log at 10 MiB a second (assumed)\n")) << result.err;
  }
  EXPECT_EQ(Run({"get", "k1", "--version=11"}).err, "") << "the pin made a snapshot of it";
}

TEST_F(CtlRollback, KilledRollbackCanBeRepeated) {
  for (int delay_ms = 20; delay_ms <= 150; delay_ms += 10) {
    {
      CtlConversation killed({"rollback", "--version=2", "--yes", "--store=" + store()},
                             CtlConversation::Input::kPipe);
      std::this_thread::sleep_for(std::chrono::milliseconds(delay_ms));
    }
    ASSERT_EQ(Run({"fsck"}).status, 0) << "killed after " << delay_ms << " ms";
    const CtlResult again = Run({"rollback", "--version=2", "--yes", "--json"});
    ASSERT_EQ(again.status, 0) << "killed after " << delay_ms << " ms: " << again.err;
    EXPECT_EQ(Rows(again.out).at(0)["done"], true);
    ASSERT_EQ(Tip(), 2u);
    Ok({"apply", "-"}, {.input = "{}\n{}\n{}\n"});
  }
}

TEST_F(CtlRollback, RepairsAStoreThatCannotBeOpened) {
  // Damages a record in the middle of the log. Later records prove that it was durable.
  const std::string log = store() + "/wal/00000000000000000001.log";
  std::string bytes = ReadFile(log);
  const size_t at = bytes.find("five");
  ASSERT_NE(at, std::string::npos);
  bytes[at] = 'F';
  std::ofstream(log, std::ios::binary) << bytes;
  EXPECT_EQ(Run({"get", "k0"}).status, 4);
  const CtlResult info = Run({"info"});
  EXPECT_EQ(info.status, 4);
  EXPECT_EQ(Run({"rollback", "--version=4", "--yes"}).status, 0);
  EXPECT_EQ(Tip(), 4u);
  EXPECT_EQ(Ok({"get", "k1"}), ValueAt(4));
}

}  // namespace
}  // namespace rawkv::ctl
