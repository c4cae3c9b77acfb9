#include "base/sha256.h"
#include "tests/tools/ctl_fixture.h"

namespace rawkv::ctl {
namespace {

class CtlScan : public CtlTest {
 protected:
  void SetUp() override {
    Format();
    Ok({"apply", "-"}, {.input = R"({"put":[{"key":"a/1","value":"one"},{"key":"a/2","value":""}]})"
                                 "\n"
                                 R"({"put":[{"key":"b","value":"bee"},{"key_b64":"/wA=","value":"binary"}]})"
                                 "\n"
                                 R"({"delete":["a/2"],"put":[{"key":"a\tb","value":"tab"}]})"});
  }
};

TEST_F(CtlScan, ListsKeysInByteOrder) {
  const std::vector<Json> rows = Rows(Ok({"scan", "--json"}));
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[0].dump(), R"({"key":"a\tb","size":3,"version":3})");
  EXPECT_EQ(rows[1].dump(), R"({"key":"a/1","size":3,"version":1})");
  EXPECT_EQ(rows[2].dump(), R"({"key":"b","size":3,"version":2})");
  EXPECT_EQ(rows[3].dump(), R"({"key_b64":"/wA=","size":6,"version":2})");
}

TEST_F(CtlScan, EscapesKeysInText) {
  EXPECT_EQ(Ok({"scan"}), "a\\tb\t3\t3\na/1\t3\t1\nb\t3\t2\n\\xff\\x00\t6\t2\n");
}

TEST_F(CtlScan, ReadsOldVersions) {
  EXPECT_EQ(Ok({"scan", "--version=1"}), "a/1\t3\t1\na/2\t0\t1\n");
  EXPECT_EQ(Ok({"scan", "--version=0"}), "");
  EXPECT_TRUE(EndedWith(Run({"scan", "--version=4"}), 3, "scan: "));
}

TEST_F(CtlScan, PrefixAndLimitSelectRows) {
  EXPECT_EQ(Ok({"scan", "--prefix=a/"}), "a/1\t3\t1\n");
  EXPECT_EQ(Ok({"scan", "--prefix_b64=/w=="}), "\\xff\\x00\t6\t2\n");
  EXPECT_EQ(Ok({"scan", "--prefix=nothing"}), "");
  EXPECT_EQ(Ok({"scan", "--limit=1"}), "a\\tb\t3\t3\n");
  EXPECT_EQ(Ok({"scan", "--limit=0"}), Ok({"scan"}));
  EXPECT_EQ(Ok({"scan", "--prefix="}), Ok({"scan"}));
  EXPECT_TRUE(EndedWith(Run({"scan", "--prefix=a", "--prefix_b64=YQ=="}), 2, "--prefix"));
  EXPECT_TRUE(EndedWith(Run({"scan", "--limit=few"}), 2, "--limit: 'few' is not a number"));
}

TEST_F(CtlScan, PrintsTheSha256OfEachValueIfAsked) {
  const std::vector<Json> rows = Rows(Ok({"scan", "--sha256", "--json", "--prefix=b"}));
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(Fields(rows[0]), (Args{"key", "size", "version", "sha256"}));
  EXPECT_EQ(rows[0]["sha256"], ToHex(Sha256Of(AsBytes("bee"))));
  EXPECT_EQ(Ok({"scan", "--sha256", "--prefix=b"}), "b\t3\t2\t" + ToHex(Sha256Of(AsBytes("bee"))) + "\n");
}

TEST_F(CtlScan, ClosedOutputPipeEndsWith5) {
  std::string lines;
  for (int i = 0; i < 20'000; ++i) {
    lines += (i % 10'000 == 0 ? std::string(i == 0 ? "" : "]}\n") + "{\"put\":[" : std::string(",")) +
             R"({"key":"many/)" + std::to_string(i) + R"(","value":""})";
  }
  Ok({"apply", "-"}, {.input = lines + "]}"});
  CtlConversation scan({"scan", "--store=" + store()}, CtlConversation::Input::kPipe);
  EXPECT_EQ(scan.ReadLine(), "a\\tb\t3\t3");
  scan.CloseOutput();
  EXPECT_EQ(scan.Wait(), 5);
}

}  // namespace
}  // namespace rawkv::ctl
