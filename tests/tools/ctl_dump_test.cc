#include <algorithm>

#include "base/base64.h"
#include "tests/tools/ctl_fixture.h"

// dump, load.
namespace rawkv::ctl {
namespace {

class CtlDump : public CtlTest {
 protected:
  void SetUp() override { Format(); }

  // Loads a dump into a new store, and returns that store's directory.
  std::string LoadInto(const std::string& name, const std::string& dump, const Args& format = {}) const {
    Args make = {"format", "--capacity=16MiB", "--store=" + File(name)};
    make.insert(make.end(), format.begin(), format.end());
    EXPECT_EQ(RunCtl(make).status, 0);
    WriteFile("dump", dump);
    const CtlResult load = RunCtl({"load", File("dump"), "--store=" + File(name)});
    EXPECT_EQ(load.status, 0) << load.err;
    return File(name);
  }

  // Every key with its value, as text that keeps each byte.
  static std::string Content(const std::string& store) {
    std::string content;
    for (const Json& row : Rows(RunCtl({"scan", "--values", "--json", "--store=" + store}).out)) {
      Json entry = row;
      entry.erase("version");
      content += entry.dump() + "\n";
    }
    return content;
  }
};

TEST_F(CtlDump, WritesChangeSetsOfApply) {
  Ok({"apply", "-"},
     {.input = R"({"put":[{"key":"b","value":"x\ny"},{"key_b64":"/w==","value_b64":"/wA="}]})"});
  EXPECT_EQ(Ok({"dump"}), R"({"put":[{"key":"b","value":"x\ny"},{"key_b64":"/w==","value_b64":"/wA="}]})"
                          "\n");
  EXPECT_EQ(Ok({"dump", "--json"}), Ok({"dump"}));
  EXPECT_EQ(Ok({"dump", "--version=0"}), "");
  EXPECT_EQ(Ok({"dump", "--prefix=b"}), R"({"put":[{"key":"b","value":"x\ny"}]})"
                                        "\n");
  EXPECT_EQ(Ok({"dump", "--from=c"}), R"({"put":[{"key_b64":"/w==","value_b64":"/wA="}]})"
                                      "\n");
  EXPECT_TRUE(EndedWith(Run({"dump", "--version=2"}), 3, "dump: "));
}

// Keys and values with every byte, every pair of a first and a last byte, and every size around the bounds of
// inline values, slots and lines.
TEST_F(CtlDump, LoadRestoresEveryByte) {
  std::string every_byte;
  for (int i = 0; i < 256; ++i) every_byte += static_cast<char>(i);
  Json puts = Json::array();
  const auto put = [&puts](const std::string& key, const std::string& value) {
    puts.push_back(Json{{"key_b64", EncodeBase64(key)}, {"value_b64", EncodeBase64(value)}});
  };
  for (int first = 0; first < 256; ++first) {
    const std::string byte(1, static_cast<char>(first));
    put(byte, every_byte.substr(static_cast<size_t>(first)));
    put(byte + byte, byte);
  }
  put(every_byte, "");
  put("utf-8 \u00e4\u20ac", "\\ \" \u00e4 \x7f \u2028 \t\r\n");
  for (const size_t size : {1023u, 1024u, 1025u, 4095u, 4096u, 4097u, 32767u, 32768u, 32769u, 200'000u}) {
    std::string value(size, 'x');
    for (size_t i = 0; i < size; ++i) value[i] = static_cast<char>(i * 31 % 251);
    put("size " + std::to_string(size), value);
  }
  Ok({"apply", "-"}, {.input = Json{{"put", puts}}.dump()});

  const std::string dump = Ok({"dump"});
  EXPECT_GT(std::count(dump.begin(), dump.end(), '\n'), 3) << "several lines";
  const std::string copy = LoadInto("copy", dump);
  EXPECT_EQ(Content(copy), Content(store()));
  EXPECT_EQ(RunCtl({"dump", "--store=" + copy}).out, dump);
}

// One commit must fit one log segment, so a line has a bound.
TEST_F(CtlDump, LinesFitTheSmallestSegments) {
  Json puts = Json::array();
  for (int i = 0; i < 3000; ++i) {
    puts.push_back(
        Json{{"key", "k" + std::to_string(i)}, {"value", std::string(static_cast<size_t>(i % 1100), 'v')}});
  }
  puts.push_back(Json{{"key", std::string(30'000, 'k')}, {"value", std::string(1024, 'v')}});
  Ok({"apply", "-"}, {.input = Json{{"put", puts}}.dump()});
  const std::string copy = LoadInto("copy", Ok({"dump"}), {"--wal_segment_bytes=64KiB"});
  EXPECT_EQ(Content(copy), Content(store()));
}

TEST_F(CtlDump, ReadsAlongsideAWriter) {
  Ok({"put", "k", "v"});
  CtlConversation writer({"apply", "-", "--store=" + store()}, CtlConversation::Input::kPipe);
  writer.Write("{\"put\":[{\"key\":\"l\",\"value\":\"w\"}]}\n");
  EXPECT_EQ(writer.ReadLine(), "2");
  EXPECT_EQ(Ok({"dump"}), R"({"put":[{"key":"k","value":"v"},{"key":"l","value":"w"}]})"
                          "\n");
  writer.CloseInput();
  EXPECT_EQ(writer.Wait(), 0);
}

TEST_F(CtlDump, LoadNamesABadLine) {
  WriteFile("dump", "{\"put\":[{\"key\":\"k\",\"value\":\"v\"}]}\n{\"put\":[{\"key\":\"l\",\"val");
  const CtlResult load = Run({"load", File("dump")});
  EXPECT_EQ(load.status, 2);
  EXPECT_EQ(load.out, "1\n");
  EXPECT_NE(load.err.find("load: " + File("dump") + ": line 2: bad JSON"), std::string::npos) << load.err;
}

}  // namespace
}  // namespace rawkv::ctl
