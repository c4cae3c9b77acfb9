// log, diff and --time: which versions there are, what they changed, and which one was there at a moment.

#include "tests/tools/ctl_fixture.h"

namespace rawkv::ctl {
namespace {

class CtlHistoryTest : public CtlTest {
 protected:
  // Version 1 puts a and b, version 2 changes a, version 3 deletes b and puts c.
  void MakeHistory() {
    Format();
    WriteFile("lines", R"({"put":[{"key":"a","value":"1"},{"key":"b","value":"22"}],"metadata":"height 1"}
{"put":[{"key":"a","value":"333"}]}
{"put":[{"key":"c","value":""}],"delete":["b"],"metadata_b64":"/w=="}
)");
    Ok({"apply", File("lines")});
  }
  // The time of a version as `log` prints it.
  std::string TimeOf(const std::string& version) const {
    const std::string row = Ok({"log", "--from=" + version, "--to=" + version});
    const size_t begin = row.find('\t') + 1;
    return row.substr(begin, row.find('\t', begin) - begin);
  }
};

TEST_F(CtlHistoryTest, LogListsVersionsNewestFirst) {
  MakeHistory();
  const std::vector<Json> rows = Rows(Ok({"log", "--json"}));
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(Fields(rows[0]), (std::vector<std::string>{"version", "lineage", "time_unix_ms", "changes_known",
                                                       "puts", "deletes", "value_bytes", "metadata_b64"}));
  EXPECT_EQ(rows[0]["version"], 3);
  EXPECT_EQ(rows[0]["puts"], 1);
  EXPECT_EQ(rows[0]["deletes"], 1);
  EXPECT_EQ(rows[0]["metadata_b64"], "/w==");
  EXPECT_EQ(rows[1]["value_bytes"], 3);
  EXPECT_EQ(rows[1]["metadata"], "");
  EXPECT_EQ(rows[2]["metadata"], "height 1");
  EXPECT_EQ(rows[3]["version"], 0);
  EXPECT_EQ(rows[3]["changes_known"], false);
}

TEST_F(CtlHistoryTest, LogPrintsTheKeysThatChanged) {
  MakeHistory();
  const std::vector<Json> rows = Rows(Ok({"log", "--keys", "--limit=1", "--json"}));
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0]["changes"],
            Json::parse(R"([{"op":"put","key":"c","size":0},{"op":"delete","key":"b"}])"));
  const std::string text = Ok({"log", "--keys", "--from=1", "--to=1"});
  EXPECT_NE(text.find("\t2 puts, 0 deletes\t3 B\theight 1\n\tput\ta\t1\n\tput\tb\t2\n"), std::string::npos)
      << text;
}

TEST_F(CtlHistoryTest, LogFollowsAKeyOrAPrefix) {
  MakeHistory();
  const auto versions = [&](Args args) {
    std::vector<uint64_t> found;
    args.push_back("--json");
    for (const Json& row : Rows(Ok(args))) found.push_back(row["version"]);
    return found;
  };
  EXPECT_EQ(versions({"log", "--key=a"}), (std::vector<uint64_t>{2, 1}));
  EXPECT_EQ(versions({"log", "--key_b64=Yg=="}), (std::vector<uint64_t>{3, 1}));
  EXPECT_EQ(versions({"log", "--prefix=c"}), (std::vector<uint64_t>{3}));
  EXPECT_EQ(versions({"log", "--key=absent"}), std::vector<uint64_t>());
  EXPECT_EQ(versions({"log", "--from=1", "--to=2"}), (std::vector<uint64_t>{2, 1}));
  EXPECT_TRUE(EndedWith(Run({"log", "--key=a", "--prefix=b"}), 2, "only one of"));
}

TEST_F(CtlHistoryTest, DiffListsWhatChangedBetweenTwoVersions) {
  MakeHistory();
  const std::vector<Json> rows = Rows(Ok({"diff", "--from=1", "--to=3", "--json"}));
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(
      rows[0],
      Json::parse(
          R"({"change":"changed","key":"a","from":{"size":1,"version":1},"to":{"size":3,"version":2}})"));
  EXPECT_EQ(rows[1],
            Json::parse(R"({"change":"removed","key":"b","from":{"size":2,"version":1},"to":null})"));
  EXPECT_EQ(rows[2], Json::parse(R"({"change":"added","key":"c","from":null,"to":{"size":0,"version":3}})"));
  EXPECT_EQ(Ok({"diff", "--from=2", "--to=1"}), "changed\ta\t3\t1\t2\t1\n");
  EXPECT_EQ(Ok({"diff", "--from=2", "--to=2"}), "");
  EXPECT_EQ(Ok({"diff", "--from=0", "--to=3", "--prefix=c"}), "added\tc\t-\t0\t-\t3\n");
  EXPECT_EQ(Rows(Ok({"diff", "--from=1", "--to=3", "--limit=2", "--json"})).size(), 2u);
  EXPECT_TRUE(EndedWith(Run({"diff", "--from=1"}), 2, "--to=B"));
  EXPECT_TRUE(EndedWith(Run({"diff", "--from=1", "--to=4"}), 3, "never made"));
}

TEST_F(CtlHistoryTest, TimeStandsForTheVersionOfThatMoment) {
  Format();
  Ok({"put", "a", "1"});
  std::string first = TimeOf("1");
  // The next version must have another millisecond.
  do Ok({"put", "a", "2"});
  while (TimeOf("2") == first && (Ok({"rollback", "--version=1", "--yes"}), true));
  const std::string second = TimeOf("2");
  EXPECT_EQ(Ok({"get", "a", "--time=" + first}), "1");
  EXPECT_EQ(Ok({"get", "a", "--time=" + second}), "2");
  EXPECT_EQ(Ok({"get", "a", "--time=0s ago"}), "2");
  EXPECT_EQ(Rows(Ok({"scan", "--time=" + first, "--json"}))[0]["version"], 1);
  EXPECT_EQ(OkJson({"export", "--time=" + first, "--out=" + File("out")})["version"], 1);
  EXPECT_TRUE(EndedWith(Run({"get", "a", "--time=2020-01-01T00:00:00Z"}), 3, "no version as old"));
  EXPECT_TRUE(EndedWith(Run({"get", "a", "--time=teatime"}), 2, "is not a time"));
  EXPECT_TRUE(
      EndedWith(Run({"get", "a", "--time=" + first, "--version=1"}), 2, "either --time or --version"));
  EXPECT_TRUE(EndedWith(Run({"rollback"}), 2, "--time=TIME"));
  EXPECT_EQ(OkJson({"rollback", "--time=" + first, "--yes"})["to"], 1);
  EXPECT_EQ(Ok({"get", "a"}), "1");
}

}  // namespace
}  // namespace rawkv::ctl
