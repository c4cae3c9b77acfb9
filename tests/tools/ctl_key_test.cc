#include <filesystem>

#include "base/base64.h"
#include "tests/tools/ctl_fixture.h"

// put, get, del.
namespace rawkv::ctl {
namespace {

class CtlKey : public CtlTest {
 protected:
  void SetUp() override { Format(); }
};

TEST_F(CtlKey, PutPrintsTheVersion) {
  EXPECT_EQ(Ok({"put", "k", "v"}), "1\n");
  EXPECT_EQ(Ok({"put", "k", "w", "--json"}), "{\"version\":2}\n");
  EXPECT_EQ(Ok({"get", "k"}), "w");
}

TEST_F(CtlKey, PutAcceptsEmptyValuesAndValuesThatLookLikeFlags) {
  Ok({"put", "empty", ""});
  EXPECT_EQ(Ok({"get", "empty"}), "");
  EXPECT_EQ(OkJson({"get", "empty"})["size"], 0);
  Ok({"put", "k", "--", "--json"});
  EXPECT_EQ(Ok({"get", "k"}), "--json");
  Ok({"put", "--", "-key", "-1"});
  EXPECT_EQ(Ok({"get", "--", "-key"}), "-1");
}

TEST_F(CtlKey, PutReadsFilesAndStandardInput) {
  std::string value;
  for (int i = 0; i < 300'000; ++i) value += static_cast<char>(i * 31 % 251);
  WriteFile("value", value);
  Ok({"put", "file", "--file=" + File("value")});
  EXPECT_EQ(Ok({"get", "file"}), value);
  Ok({"put", "pipe", "--file", "-"}, {.input = value + "x"});
  EXPECT_EQ(Ok({"get", "pipe"}), value + "x");
}

TEST_F(CtlKey, PutRefusesWrongUseWith2) {
  WriteFile("value", "v");
  EXPECT_TRUE(EndedWith(Run({"put"}), 2, "put: KEY is missing; usage: rawkv-ctl put KEY [VALUE]"));
  EXPECT_TRUE(EndedWith(Run({"put", "k"}), 2, "give either VALUE or --file=PATH"));
  EXPECT_TRUE(
      EndedWith(Run({"put", "k", "v", "--file=" + File("value")}), 2, "give either VALUE or --file=PATH"));
  EXPECT_TRUE(EndedWith(Run({"put", "k", "--file=/no/such"}), 2, "/no/such: cannot be read"));
  EXPECT_TRUE(EndedWith(Run({"put", "k", "--file=/"}), 2, "Is a directory"));
  EXPECT_TRUE(EndedWith(Run({"put", "", "v"}), 2, "a key must have at least one byte"));
  EXPECT_TRUE(EndedWith(Run({"put", "k", "v", "w"}), 2, "one argument too many"));
  EXPECT_TRUE(EndedWith(Run({"put", "v", "--key_b64=?"}), 2, "--key_b64: not base64"));
  EXPECT_TRUE(EndedWith(Run({"put", std::string(65537, 'k'), "v"}), 2, "put: "));
  EXPECT_EQ(OkJson({"info"})["version"], 0) << "none of these commands made a version";
}

TEST_F(CtlKey, Base64NamesBinaryKeys) {
  const std::string key("\xFF\x00\n", 3);
  Ok({"put", "--key_b64=" + EncodeBase64(key), "v"});
  EXPECT_EQ(Ok({"get", "--key_b64=" + EncodeBase64(key)}), "v");
  const Json value = OkJson({"get", "--key_b64=" + EncodeBase64(key)});
  EXPECT_EQ(Fields(value), (Args{"key_b64", "size", "version", "value_b64", "time_unix_ms"}));
  EXPECT_EQ(value["key_b64"], EncodeBase64(key));
  Ok({"del", "--key_b64=" + EncodeBase64(key)});
  EXPECT_EQ(Run({"get", "--key_b64=" + EncodeBase64(key)}).status, 1);
}

TEST_F(CtlKey, GetPrintsRawBytesOrOneDocument) {
  const std::string value("a\0\xFF\n", 4);
  WriteFile("value", value);
  Ok({"put", "first", "x"});
  Ok({"put", "k", "--file=" + File("value")});
  EXPECT_EQ(Ok({"get", "k"}), value);
  const Json document = OkJson({"get", "k"});
  EXPECT_EQ(Fields(document), (Args{"key", "size", "version", "value_b64", "time_unix_ms"}));
  EXPECT_EQ(document["key"], "k");
  EXPECT_EQ(document["size"], 4);
  EXPECT_EQ(document["version"], 2);
  EXPECT_EQ(document["value_b64"], EncodeBase64(value));
}

TEST_F(CtlKey, GetReadsOldVersions) {
  Commit(7);
  EXPECT_EQ(Ok({"get", "k1", "--version=3"}), ValueAt(1));
  EXPECT_EQ(Ok({"get", "k1", "--version", "4"}), ValueAt(4));
  EXPECT_EQ(OkJson({"get", "k1", "--version=6"})["version"], 4) << "the version that wrote it";
  EXPECT_TRUE(EndedWith(Run({"get", "k1", "--version=0"}), 1, "no key 'k1' at version 0"));
  EXPECT_TRUE(EndedWith(Run({"get", "k1", "--version=8"}), 3, "get: "));
}

TEST_F(CtlKey, GetOfAVersionThatIsNoLongerKeptEndsWith3) {
  Commit(4);
  Ok({"snapshot", "create"});
  Ok({"snapshot", "prune", "--keep=0"});
  EXPECT_TRUE(EndedWith(Run({"get", "k1", "--version=2"}), 3, "2"));
}

TEST_F(CtlKey, GetToAFileReplacesItInOneStep) {
  Ok({"put", "k", "value"});
  EXPECT_EQ(Ok({"get", "k", "--out=" + File("out")}), "");
  EXPECT_EQ(ReadFile(File("out")), "value");
  WriteFile("out", "something longer than the value");
  Ok({"get", "k", "--out", File("out")});
  EXPECT_EQ(ReadFile(File("out")), "value");
  EXPECT_EQ(OkJson({"get", "k", "--out=" + File("out")})["value_b64"], EncodeBase64("value"));
  EXPECT_TRUE(EndedWith(Run({"get", "k", "--out=" + File("")}), 2, "Is a directory"));
  EXPECT_TRUE(EndedWith(Run({"get", "k", "--out=/dev/full"}), 5, "No space left on device"));
}

TEST_F(CtlKey, GetOfAnAbsentKeyEndsWith1AndChangesNothing) {
  WriteFile("out", "old");
  EXPECT_TRUE(EndedWith(Run({"get", "absent", "--out=" + File("out")}), 1, "no key 'absent'"));
  EXPECT_TRUE(EndedWith(Run({"get", "absent", "--json"}), 1, "no key 'absent'"));
  EXPECT_EQ(ReadFile(File("out")), "old");
  EXPECT_TRUE(EndedWith(Run({"get", "absent", "--out=" + File("new")}), 1, "no key 'absent'"));
  EXPECT_FALSE(std::filesystem::exists(File("new")));
}

TEST_F(CtlKey, DelOfAnAbsentKeyMakesAVersion) {
  EXPECT_EQ(Ok({"del", "absent"}), "1\n");
  Ok({"put", "k", "v"});
  EXPECT_EQ(Ok({"del", "k", "--json"}), "{\"version\":3}\n");
  EXPECT_EQ(Run({"get", "k"}).status, 1);
  EXPECT_EQ(Ok({"get", "k", "--version=2"}), "v");
  EXPECT_TRUE(EndedWith(Run({"del"}), 2, "KEY is missing"));
}

TEST_F(CtlKey, ReadOnlyReadsAndRefusesToWrite) {
  Ok({"put", "k", "v"});
  EXPECT_EQ(Ok({"get", "k", "--read_only"}), "v");
  EXPECT_TRUE(EndedWith(Run({"put", "k", "w", "--read_only"}), 3, "put: "));
  EXPECT_TRUE(EndedWith(Run({"del", "k", "--read_only"}), 3, "del: "));
  EXPECT_EQ(Ok({"get", "k"}), "v");
}

TEST_F(CtlKey, EveryEngineReadsBackUnsyncedValues) {
  for (const std::string engine : {"auto", "posix"}) {
    Ok({"put", engine, ValueAt(1), "--engine=" + engine, "--durability=unsafe_unsynced"});
    EXPECT_EQ(Ok({"get", engine, "--engine", engine}), ValueAt(1));
  }
}

TEST_F(CtlKey, FullDeviceEndsWith5AndKeepsTheOldValues) {
  Ok({"put", "k", "kept"});
  WriteFile("huge", std::string(32u << 20, 'x'));
  EXPECT_TRUE(EndedWith(Run({"put", "huge", "--file=" + File("huge")}), 5, "put: "));
  EXPECT_EQ(Ok({"get", "k"}), "kept");
  EXPECT_EQ(OkJson({"info"})["version"], 1);
  Ok({"put", "k", "continues"});
}

TEST_F(CtlKey, GetShowsWhenTheValueWasCommitted) {
  Ok({"set", "keep_recent=0"});
  Ok({"put", "old", "1"});
  Ok({"put", "new", "2"});
  const auto time_of = [&](const std::string& version) {
    return Rows(Ok({"log", "--from=" + version, "--to=" + version, "--json"}))[0]["time_unix_ms"];
  };
  EXPECT_EQ(OkJson({"get", "old"})["time_unix_ms"], time_of("1"));
  EXPECT_EQ(OkJson({"get", "old", "--version=1"})["time_unix_ms"], time_of("1"));
  const Json last = OkJson({"get", "new"});
  EXPECT_EQ(last["time_unix_ms"], time_of("2"));
  Ok({"snapshot", "create"});  // and gives version 1 up
  EXPECT_EQ(OkJson({"get", "new"}), last);
  const Json forgotten = OkJson({"get", "old"});
  EXPECT_EQ(forgotten["version"], 1);
  EXPECT_EQ(forgotten["time_unix_ms"], nullptr) << "the record of version 1 is no longer kept";
}

TEST_F(CtlKey, GetOfSeveralKeysPrintsALineForEach) {
  Ok({"apply", "-"},
     {.input = R"({"put":[{"key":"a","value":"1\n"},{"key":"b","value":""},{"key":"c","value":"3"}]})"});
  Ok({"put", "a", "later"});
  EXPECT_EQ(Ok({"get", "c", "a", "b", "--version=1"}), "c\t3\na\t1\\n\nb\t\n");
  const std::vector<Json> rows = Rows(Ok({"get", "a", "b", "--json"}));
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0]["version"], 2);
  EXPECT_EQ(rows[0]["value_b64"], "bGF0ZXI=");
  EXPECT_EQ(rows[1]["key"], "b");

  const CtlResult absent = Run({"get", "x", "a", "y", "--version=1"});
  EXPECT_EQ(absent.status, 1);
  EXPECT_EQ(absent.out, "a\t1\\n\n") << "the keys that exist are printed";
  EXPECT_EQ(absent.err, "rawkv-ctl: get: no key 'x', 'y' at version 1\n");
  EXPECT_TRUE(
      EndedWith(Run({"get", "a", "b", "--out=" + File("out")}), 2, "--out takes the value of one key"));
  EXPECT_TRUE(EndedWith(Run({"get", "a", ""}), 2, "a key must have at least one byte"));
  EXPECT_TRUE(EndedWith(Run({"get", "a", "--key_b64=YQ=="}), 2, "one argument too many"));
}

class CtlDelRange : public CtlTest {
 protected:
  void SetUp() override {
    Format();
    Ok({"apply", "-"}, {.input = R"({"put":[{"key":"a","value":"1"},{"key":"b/1","value":"2"},)"
                                 R"({"key":"b/2","value":"3"},{"key":"c","value":"4"}]})"});
  }
  std::string Keys() const { return Ok({"scan"}); }
};

TEST_F(CtlDelRange, DeletesAPrefixInOneVersion) {
  EXPECT_EQ(Ok({"del", "--prefix=b/", "--yes"}), "2\t2\n");
  EXPECT_EQ(Keys(), "a\t1\t1\nc\t1\t1\n");
  EXPECT_EQ(Ok({"scan", "--version=1", "--prefix=b/"}), "b/1\t1\t1\nb/2\t1\t1\n") << "the old version stays";
  EXPECT_EQ(Ok({"del", "--prefix_b64=" + EncodeBase64("c"), "--yes", "--json"}),
            "{\"version\":3,\"keys\":1}\n");
}

TEST_F(CtlDelRange, DeletesFromAToBWithoutB) {
  EXPECT_EQ(Ok({"del", "--from=a", "--to=b/2", "--yes"}), "2\t2\n");
  EXPECT_EQ(Keys(), "b/2\t1\t1\nc\t1\t1\n");
  EXPECT_EQ(Ok({"del", "--from=b", "--to=", "--yes"}), "3\t2\n") << "an empty --to is the end";
  EXPECT_EQ(Keys(), "");
}

TEST_F(CtlDelRange, AnEmptyRangeNeedsNoConfirmation) {
  EXPECT_EQ(Ok({"del", "--prefix=nothing"}), "2\t0\n");
}

TEST_F(CtlDelRange, NeedsAConfirmation) {
  EXPECT_TRUE(
      EndedWith(Run({"del", "--prefix=b/"}), 3, "deletes 2 keys: refused (no confirmation): give --yes"));
  EXPECT_TRUE(EndedWith(Run({"del", "--prefix=c"}), 3, "deletes 1 key: refused"));
  EXPECT_EQ(OkJson({"info"})["version"], 1);
  for (const bool agree : {false, true}) {
    CtlConversation del({"del", "--prefix=b/", "--store=" + store()}, CtlConversation::Input::kTerminal);
    EXPECT_NE(del.ReadTerminalUntil("Type yes to continue: ").find("deletes 2 keys."), std::string::npos);
    del.Write(agree ? "yes\n" : "no\n");
    EXPECT_EQ(del.ReadOutputToEnd(), agree ? "2\t2\n" : "");
    EXPECT_EQ(del.Wait(), agree ? 0 : 3);
  }
  EXPECT_EQ(Keys(), "a\t1\t1\nc\t1\t1\n");
}

TEST_F(CtlDelRange, RefusesUnclearRangesWith2) {
  for (const Args& range : std::vector<Args>{{"--from=a"},
                                             {"--to=b"},
                                             {"--prefix=a", "--from=a", "--to=b"},
                                             {"a", "--prefix=b"},
                                             {"--key_b64=YQ==", "--prefix=b"}}) {
    Args args = {"del", "--yes"};
    args.insert(args.end(), range.begin(), range.end());
    EXPECT_TRUE(EndedWith(Run(args), 2, "give either KEY, or --prefix=P, or both")) << range.front();
  }
  EXPECT_TRUE(EndedWith(Run({"del", "--from=b", "--to=a", "--yes"}), 2, "is not after --from"));
  EXPECT_TRUE(EndedWith(Run({"del"}), 2, "KEY is missing"));
  EXPECT_TRUE(EndedWith(Run({"del", "a", "--yes"}), 2, "--yes needs --prefix"));
  EXPECT_EQ(Keys(), "a\t1\t1\nb/1\t1\t1\nb/2\t1\t1\nc\t1\t1\n");
}

}  // namespace
}  // namespace rawkv::ctl
