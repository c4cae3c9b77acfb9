#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>

#include "tests/tools/ctl_fixture.h"

// export, import.
namespace rawkv::ctl {
namespace {

class CtlExport : public CtlTest {
 protected:
  void SetUp() override {
    Format();
    Commit(5);
    Ok({"put", "--key_b64=/w==", "binary"});
  }

  CtlResult Import(const Args& more = {}) const {
    Args args = {"import", "--capacity=16MiB", "--in=" + File("export"), "--store=" + File("copy")};
    args.insert(args.end(), more.begin(), more.end());
    return RunCtl(args);
  }
  std::string Export(const Args& more = {}) const {
    Args args = {"export", "--version=6", "--out=" + File("export")};
    args.insert(args.end(), more.begin(), more.end());
    return Ok(args);
  }
  std::string InCopy(Args args) const {
    args.push_back("--store=" + File("copy"));
    const CtlResult result = RunCtl(args);
    EXPECT_EQ(result.status, 0) << result.err;
    return result.out;
  }
};

TEST_F(CtlExport, CopiesAVersionToAnotherStore) {
  EXPECT_EQ(Rows(Export({"--json"})).front().dump(), R"({"version":6,"out":")" + File("export") + "\"}");
  const CtlResult made = Import({"--json"});
  ASSERT_EQ(made.status, 0) << made.err;
  EXPECT_EQ(Fields(Rows(made.out).front()), (Args{"store_uuid", "device_uuid", "device", "version"}));
  EXPECT_EQ(Rows(made.out).front()["version"], 6);
  EXPECT_EQ(InCopy({"get", "k2"}), ValueAt(5));
  EXPECT_EQ(InCopy({"get", "--key_b64=/w=="}), "binary");
  EXPECT_EQ(Rows(InCopy({"info", "--json"})).front()["initial_version"], 6);
  for (const Json& row : Rows(InCopy({"scan", "--json"}))) EXPECT_EQ(row["version"], 6);
  EXPECT_EQ(InCopy({"put", "k", "v"}), "7\n");
  EXPECT_EQ(InCopy({"fsck", "--deep"}), "ok\n");
}

TEST_F(CtlExport, ExportOfAnOldVersionHasItsContent) {
  Ok({"export", "--version=2", "--out=" + File("export")});
  ASSERT_EQ(Import().status, 0);
  EXPECT_EQ(InCopy({"get", "k2"}), ValueAt(2));
  EXPECT_EQ(Rows(InCopy({"scan", "--json"})).size(), 2u);
}

TEST_F(CtlExport, ListsItsChunks) {
  Export({"--chunk_bytes=1MiB"});
  const CtlResult list = RunCtl({"export", "--list=" + File("export"), "--json"});
  EXPECT_EQ(list.status, 0) << list.err;
  const std::vector<Json> rows = Rows(list.out);
  ASSERT_FALSE(rows.empty());
  EXPECT_EQ(Fields(rows[0]), (Args{"chunk", "bytes", "sha256", "first_key_b64", "last_key_b64"}));
  EXPECT_EQ(rows[0]["first_key_b64"], "azA=");
  EXPECT_EQ(rows.back()["last_key_b64"], "/w==");
  EXPECT_EQ(rows[0]["sha256"].get<std::string>().size(), 64u);
  EXPECT_NE(RunCtl({"export", "--list", File("export")}).out.find("\tk0\t\\xff\n"), std::string::npos);
}

// Kills an export between its first chunk and its manifest.
class CtlKilledExport : public CtlExport {
 protected:
  static constexpr int kLargeValues = 40;  // 12 chunks of 1 MiB
  Args ExportArgs() const {
    return {"export", "--version=" + std::to_string(6 + kLargeValues), "--out=" + File("export"),
            "--chunk_bytes=1MiB"};
  }
  // The chunks with the times of their last write.
  std::map<std::string, std::string> Chunks() const {
    std::map<std::string, std::string> chunks;
    for (const auto& entry : std::filesystem::directory_iterator(File("export"))) {
      const std::string name = entry.path().filename();
      if (name.starts_with("chunk-")) {
        chunks[name] = std::to_string(entry.last_write_time().time_since_epoch().count());
      }
    }
    return chunks;
  }
  // Whether the kill came in the middle.
  bool Kill() const {
    Args args = ExportArgs();
    args.push_back("--store=" + store());
    CtlConversation running(args, CtlConversation::Input::kPipe);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!std::filesystem::exists(File("export")) || Chunks().size() < 3) {
      if (std::chrono::steady_clock::now() > deadline) break;  // the export has failed
    }
    running.Signal(SIGKILL);
    return running.Wait() == -1 && !std::filesystem::exists(File("export/MANIFEST"));
  }
};

TEST_F(CtlKilledExport, SameCommandResumesIt) {
  for (int i = 0; i < kLargeValues; ++i) {
    WriteFile("value", std::string(300'000, static_cast<char>('a' + i % 26)));
    Ok({"put", "large" + std::to_string(i), "--file=" + File("value")});
  }
  bool killed = false;
  for (int attempt = 0; attempt < 20 && !killed; ++attempt) {
    std::filesystem::remove_all(File("export"));
    killed = Kill();
  }
  ASSERT_TRUE(killed) << "each export was finished before the kill";
  const std::map<std::string, std::string> before = Chunks();
  EXPECT_TRUE(EndedWith(Import(), 3, "import: "));

  Ok(ExportArgs());
  const std::map<std::string, std::string> after = Chunks();
  EXPECT_GT(after.size(), before.size());
  size_t kept = 0;
  for (const auto& [name, time] : before) kept += after.contains(name) && after.at(name) == time;
  EXPECT_GE(kept + 1, before.size()) << "all but the chunk that was being written";
  EXPECT_GE(kept, 2u);
  EXPECT_FALSE(std::filesystem::exists(File("export/EXPORTING")));
  ASSERT_EQ(Import().status, 0);
  for (int i = 0; i < kLargeValues; ++i) {
    const std::string key = "large" + std::to_string(i);
    EXPECT_EQ(InCopy({"get", key}), Ok({"get", key}));
  }
}

TEST_F(CtlExport, RefusesWrongUseWith2) {
  EXPECT_TRUE(EndedWith(Run({"export", "--out=" + File("e")}), 2, "give --version=N"));
  EXPECT_TRUE(EndedWith(Run({"export", "--version=1"}), 2, "give --out=DIR"));
  EXPECT_TRUE(
      EndedWith(Run({"export", "--version=1", "--out=" + File("e"), "--chunk_bytes=1GiB"}), 2, "export: "));
  EXPECT_TRUE(EndedWith(RunCtl({"export", "--list=/no/such"}), 2, "/no/such"));
  Export();
  EXPECT_TRUE(
      EndedWith(Run({"export", "--list=" + File("export"), "--version=1"}), 2, "--list=DIR stands alone"));
  EXPECT_TRUE(EndedWith(RunCtl({"import", "--store=" + File("copy")}), 2, "give --in=DIR"));
  EXPECT_TRUE(EndedWith(RunCtl({"import", "--in=/no/such", "--store=" + File("copy")}), 2, "/no/such"));
  EXPECT_TRUE(EndedWith(Import({"--slot_bytes=5000"}), 2, "import: "));
  EXPECT_TRUE(
      EndedWith(Import({"--initial_version=1"}), 2, "--initial_version is not a flag of this command"));
}

TEST_F(CtlExport, RefusesUnreachableVersionsAndOccupiedDirectoriesWith3) {
  EXPECT_TRUE(EndedWith(Run({"export", "--version=7", "--out=" + File("e")}), 3, "7"));
  std::filesystem::create_directory(File("full"));
  WriteFile("full/x", "x");
  EXPECT_TRUE(EndedWith(Run({"export", "--version=1", "--out=" + File("full")}), 3, "full"));
  EXPECT_TRUE(EndedWith(Run({"export", "--version=1", "--out=" + File("no/such")}), 3, "no/such"));
  Export();
  ASSERT_EQ(Import().status, 0);
  EXPECT_TRUE(EndedWith(Import(), 3, "import: "));
  EXPECT_TRUE(EndedWith(Import({"--digest", "--store=" + File("other")}), 3, "import: "));
}

TEST_F(CtlExport, ADamagedChunkOrManifestEndsWith4AndIsNamed) {
  Export();
  for (const auto& entry : std::filesystem::recursive_directory_iterator(File("export"))) {
    const std::string name = entry.path().filename();
    if (!entry.is_regular_file() || name == "ORIGIN") continue;
    const std::string good = ReadFile(entry.path());
    std::string bad = good;
    bad[bad.size() / 2] = static_cast<char>(bad[bad.size() / 2] ^ 1);
    std::ofstream(entry.path(), std::ios::binary) << bad;
    EXPECT_TRUE(EndedWith(Import(), 4, name)) << name;
    std::ofstream(entry.path(), std::ios::binary) << good;
  }
  EXPECT_EQ(Import().status, 0) << "a failed import can be repeated";
}

TEST_F(CtlExport, ADamagedManifestCannotBeListed) {
  Export();
  for (const auto& entry : std::filesystem::directory_iterator(File("export"))) {
    if (entry.path().filename() == "MANIFEST") std::ofstream(entry.path()) << "nonsense";
  }
  EXPECT_TRUE(EndedWith(RunCtl({"export", "--list=" + File("export")}), 4, "MANIFEST"));
}

TEST_F(CtlExport, ImportOntoATooSmallDeviceEndsWith5) {
  WriteFile("large", std::string(8u << 20, 'x'));
  Ok({"put", "large", "--file=" + File("large")});
  Ok({"export", "--version=7", "--out=" + File("export")});
  EXPECT_TRUE(
      EndedWith(RunCtl({"import", "--in=" + File("export"), "--store=" + File("small"), "--capacity=4MiB"}),
                5, "import it onto a larger one"));
}

}  // namespace
}  // namespace rawkv::ctl
