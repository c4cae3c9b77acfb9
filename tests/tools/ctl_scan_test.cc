#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "base/base64.h"
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

TEST_F(CtlScan, BoundsSelectRows) {
  EXPECT_EQ(Ok({"scan", "--from=a/1", "--to=b"}), "a/1\t3\t1\n") << "--to is not included";
  EXPECT_EQ(Ok({"scan", "--from=b"}), "b\t3\t2\n\\xff\\x00\t6\t2\n");
  EXPECT_EQ(Ok({"scan", "--to=a/1"}), "a\\tb\t3\t3\n");
  EXPECT_EQ(Ok({"scan", "--from=b", "--to="}), Ok({"scan", "--from=b"})) << "an empty --to is the end";
  EXPECT_EQ(Ok({"scan", "--from_b64=/w==", "--to_b64=/wE="}), "\\xff\\x00\t6\t2\n");
  EXPECT_EQ(Ok({"scan", "--prefix=a", "--from=a/"}), "a/1\t3\t1\n") << "all bounds hold";
  EXPECT_TRUE(EndedWith(Run({"scan", "--from=b", "--to=b"}), 2, "--to: 'b' is not after --from, 'b'"));
  EXPECT_TRUE(EndedWith(Run({"scan", "--from=a", "--from_b64=YQ=="}), 2, "--from"));
}

TEST_F(CtlScan, PrintsValuesIfAsked) {
  EXPECT_EQ(Ok({"scan", "--values", "--prefix=b"}), "b\t3\t2\tbee\n");
  EXPECT_EQ(Ok({"scan", "--values", "--sha256", "--prefix=b"}),
            "b\t3\t2\t" + ToHex(Sha256Of(AsBytes("bee"))) + "\tbee\n");
  EXPECT_EQ(Ok({"scan", "--values", "--json", "--prefix=b"}),
            "{\"key\":\"b\",\"size\":3,\"version\":2,\"value\":\"bee\"}\n");
  EXPECT_EQ(Ok({"scan", "--values", "--version=1", "--from=a/2"}), "a/2\t0\t1\t\n") << "an empty value";
}

// A reader of the text form, as docs/cli.md describes it.
std::string Unescape(const std::string& text) {
  std::string bytes;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\\') {
      bytes += text[at];
      continue;
    }
    const char kind = text[++at];
    if (kind == 'x') {
      bytes += static_cast<char>(std::stoi(text.substr(at + 1, 2), nullptr, 16));
      at += 2;
    } else {
      bytes += kind == 't' ? '\t' : kind == 'n' ? '\n' : kind == 'r' ? '\r' : kind;
    }
  }
  return bytes;
}

TEST_F(CtlScan, PrintedValuesKeepEveryByte) {
  std::string value;
  for (int i = 0; i < 256; ++i) value += static_cast<char>(i);
  value += "\\x41 \u00e4\u0085\t\\";
  WriteFile("value", value);
  Ok({"put", "every byte", "--file=" + File("value")});
  std::string row = Ok({"scan", "--values", "--prefix=every"});
  ASSERT_TRUE(row.ends_with("\n"));
  row.pop_back();
  EXPECT_EQ(row.find('\n'), std::string::npos);
  EXPECT_EQ(std::count(row.begin(), row.end(), '\t'), 3);
  EXPECT_EQ(Unescape(row.substr(row.rfind('\t') + 1)), value);
  const Json json = Rows(Ok({"scan", "--values", "--json", "--prefix=every"})).front();
  EXPECT_EQ(json["value_b64"], EncodeBase64(value));
}

// 20,000 keys: more than a pipe and the buffers of the program hold.
std::string ManyKeys() {
  std::string lines;
  for (int i = 0; i < 20'000; ++i) {
    lines += (i % 10'000 == 0 ? std::string(i == 0 ? "" : "]}\n") + "{\"put\":[" : std::string(",")) +
             R"({"key":"many/)" + std::to_string(i) + R"(","value":""})";
  }
  return lines + "]}";
}

// Runs a pipeline in bash, with the program as $ctl and the store in RAWKV_STORE. Returns its exit status.
int RunInBash(const std::string& script, const std::string& store) {
  const std::string command = "RAWKV_STORE='" + store + "' ctl='" RAWKV_CTL_PATH "' bash -c '" + script + "'";
  return WEXITSTATUS(std::system(command.c_str()));
}

TEST_F(CtlScan, ClosedPipeEndsTheProgramBySigpipeWithoutAMessage) {
  Ok({"apply", "-"}, {.input = ManyKeys()});
  const std::string run = "\"$ctl\" scan 2>" + File("err") + " | head -1 >" + File("out");
  EXPECT_EQ(RunInBash(run + "; exit ${PIPESTATUS[0]}", store()), 128 + SIGPIPE);
  EXPECT_EQ(ReadFile(File("out")), "a\\tb\t3\t3\n");
  EXPECT_EQ(ReadFile(File("err")), "");
  EXPECT_EQ(RunInBash("trap \"\" PIPE; " + run + "; exit ${PIPESTATUS[0]}", store()), 5)
      << "a caller that ignores SIGPIPE gets a status";
  EXPECT_NE(ReadFile(File("err")).find("standard output: Broken pipe"), std::string::npos);
  EXPECT_TRUE(std::filesystem::is_empty(store() + "/views") || !std::filesystem::exists(store() + "/views"))
      << "the store was closed first";
}

}  // namespace
}  // namespace rawkv::ctl
