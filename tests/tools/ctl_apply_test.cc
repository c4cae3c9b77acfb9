#include "tests/tools/ctl_fixture.h"

namespace rawkv::ctl {
namespace {

class CtlApply : public CtlTest {
 protected:
  void SetUp() override { Format(); }

  CtlResult Apply(const std::string& lines) const { return Run({"apply", "-"}, {.input = lines}); }

  // Checks that apply commits the first line, refuses and names the second, and does not read the third.
  void ExpectSecondLineRefused(const std::string& line, int status, const std::string& why) const {
    const std::string before = Ok({"info", "--json"});
    const uint64_t tip = Json::parse(before)["version"].get<uint64_t>();
    const CtlResult result = Apply("{}\n" + line + "\n{}\n");
    EXPECT_EQ(result.status, status) << line << result.err;
    EXPECT_EQ(result.out, std::to_string(tip + 1) + "\n") << line;
    EXPECT_EQ(result.err.find("rawkv-ctl: apply: "), 0u) << result.err;
    EXPECT_NE(result.err.find("standard input: line 2: "), std::string::npos) << result.err;
    EXPECT_NE(result.err.find(why), std::string::npos) << result.err;
    EXPECT_EQ(OkJson({"info"})["version"], tip + 1) << line;
  }
};

TEST_F(CtlApply, CommitsOneVersionPerLine) {
  WriteFile("value", "from a file");
  const std::string lines = R"({"put":[{"key":"a","value":"1"},{"key":"b","value_b64":"AP8="}]})"
                            "\n"
                            R"({"put":[{"key":"c","value_file":"value"}],"delete":["a",{"key_b64":"YWJz"}]})"
                            "\n{}\n";
  WriteFile("changes", lines);
  const std::string directory = File("");
  EXPECT_EQ(Ok({"apply", "changes"}, {.working_directory = directory}), "1\n2\n3\n");
  EXPECT_EQ(Ok({"get", "b"}), std::string("\0\xFF", 2));
  EXPECT_EQ(Ok({"get", "c"}), "from a file");
  EXPECT_EQ(Run({"get", "a"}).status, 1);
  EXPECT_EQ(Ok({"get", "a", "--version=1"}), "1");
}

TEST_F(CtlApply, PrintsJsonRows) {
  EXPECT_EQ(Ok({"apply", "-", "--json"}, {.input = "{}\n{}"}), "{\"version\":1}\n{\"version\":2}\n");
}

TEST_F(CtlApply, SkipsAndCountsBlankLines) {
  EXPECT_EQ(Ok({"apply", "-"}, {.input = "\n{}\n \t\r\n{}\r\n\n"}), "1\n2\n");
  const CtlResult result = Apply("\n\n{\n");
  EXPECT_EQ(result.status, 2);
  EXPECT_NE(result.err.find("line 3: bad JSON"), std::string::npos) << result.err;
}

TEST_F(CtlApply, DoesNothingWithoutLines) {
  EXPECT_EQ(Ok({"apply", "-"}), "");
  EXPECT_EQ(OkJson({"info"})["version"], 0);
}

TEST_F(CtlApply, RefusesALineWhoseVersionIsNotNext) {
  EXPECT_EQ(Apply("{\"version\":1}\n{\"version\":2}\n").out, "1\n2\n");
  ExpectSecondLineRefused(R"({"version":9})", 3, "9");
  ExpectSecondLineRefused(R"({"version":1})", 3, "1");
}

TEST_F(CtlApply, StopsAtTheFirstBadLineAndNamesIt) {
  ExpectSecondLineRefused("{", 2, "bad JSON at byte");
  ExpectSecondLineRefused("[]", 2, "a change set must be a JSON object");
  ExpectSecondLineRefused(R"({"puts":[]})", 2, "unknown field 'puts'");
  ExpectSecondLineRefused(R"({"put":[{"key":"k","value":"v"}],"delete":["k"]})", 2, "key 'k' occurs twice");
  ExpectSecondLineRefused(R"({"put":[{"key":"k","value":"v","value_b64":""}]})", 2, "give either");
  ExpectSecondLineRefused(R"({"put":[{"key":"k"}]})", 2, "needs one of");
  ExpectSecondLineRefused(R"({"put":[{"key":"k","value_file":"/no/such"}]})", 2, "/no/such: cannot be read");
  ExpectSecondLineRefused(R"({"put":[{"key":"","value":"v"}]})", 2, "at least one byte");
  ExpectSecondLineRefused(R"({"put":[{"key":")" + std::string(65537, 'k') + R"(","value":"v"}]})", 2,
                          "line 2: ");
}

TEST_F(CtlApply, FullDeviceEndsWith5AndKeepsEarlierLines) {
  WriteFile("huge", std::string(32u << 20, 'x'));
  ExpectSecondLineRefused(R"({"put":[{"key":"k","value_file":")" + File("huge") + R"("}]})", 5, "line 2: ");
}

TEST_F(CtlApply, RefusesAnUnreadableFileWith2) {
  EXPECT_TRUE(EndedWith(Run({"apply", "/no/such"}), 2, "/no/such: cannot be read"));
  EXPECT_TRUE(EndedWith(Run({"apply", "/"}), 2, "Is a directory"));
  EXPECT_TRUE(EndedWith(Run({"apply"}), 2, "FILE|- is missing"));
  EXPECT_TRUE(EndedWith(Run({"apply", "a", "b"}), 2, "one argument too many"));
}

TEST_F(CtlApply, RefusesToWriteToAReadOnlyOpening) {
  EXPECT_TRUE(EndedWith(Run({"apply", "-", "--read_only"}, {.input = "{}\n"}), 3, "line 1: "));
}

TEST_F(CtlApply, AcknowledgesEachLineBeforeItReadsTheNext) {
  CtlConversation apply({"apply", "-", "--store=" + store()}, CtlConversation::Input::kPipe);
  for (int version = 1; version <= 5; ++version) {
    apply.Write(R"({"put":[{"key":"k","value":")" + std::to_string(version) + "\"}]}\n");
    ASSERT_EQ(apply.ReadLine(), std::to_string(version));
  }
  apply.CloseInput();
  EXPECT_EQ(apply.Wait(), 0);
  EXPECT_EQ(Ok({"get", "k"}), "5");
}

TEST_F(CtlApply, AcknowledgedLineSurvivesAKill) {
  {
    CtlConversation apply({"apply", "-", "--store=" + store()}, CtlConversation::Input::kPipe);
    apply.Write("{\"put\":[{\"key\":\"k\",\"value\":\"" + ValueAt(1) + "\"}]}\n{\"put\":");
    ASSERT_EQ(apply.ReadLine(), "1");
  }  // killed in the middle of line 2
  EXPECT_EQ(Run({"fsck"}).status, 0);
  EXPECT_EQ(Ok({"get", "k"}), ValueAt(1));
  EXPECT_EQ(OkJson({"info"})["version"], 1);
}

TEST_F(CtlApply, CommitsOneLineWithManyKeys) {
  std::string line = "{\"put\":[";
  for (int i = 0; i < 20'000; ++i) {
    line += std::string(i == 0 ? "" : ",") + R"({"key":"k)" + std::to_string(i) + R"(","value":"v"})";
  }
  EXPECT_EQ(Apply(line + "]}").out, "1\n");
  EXPECT_EQ(Rows(Ok({"scan", "--json"})).size(), 20'000u);
}

TEST_F(CtlApply, KeepsMetadataOutOfTheKeys) {
  EXPECT_EQ(Apply(R"({"put":[{"key":"k","value":"v"}],"metadata":"block 1"})").out, "1\n");
  EXPECT_EQ(Rows(Ok({"scan", "--json"})).size(), 1u);
}

// The lines may come from standard input, so "-" cannot mean standard input here.
TEST_F(CtlApply, AValueFileNamedDashIsAFile) {
  const std::string lines = R"({"put":[{"key":"a","value_file":"-"}]})"
                            "\n"
                            R"({"put":[{"key":"b","value":"kept"}]})"
                            "\n";
  EXPECT_TRUE(EndedWith(Run({"apply", "-"}, {.input = lines, .working_directory = File("")}), 2, "line 1"));
  WriteFile("-", "content of the file");
  EXPECT_EQ(Ok({"apply", "-"}, {.input = lines, .working_directory = File("")}), "1\n2\n");
  EXPECT_EQ(Ok({"get", "a"}), "content of the file");
  EXPECT_EQ(Ok({"get", "b"}), "kept") << "no later line became part of a value";
}

}  // namespace
}  // namespace rawkv::ctl
