#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/tools/ctl_fixture.h"

namespace rawkv::ctl {
namespace {

class CtlFormat : public CtlTest {};

TEST_F(CtlFormat, PrintsTheIdentityOfTheNewStore) {
  const Json made = OkJson({"format", "--capacity=16MiB"});
  EXPECT_EQ(Fields(made), (Args{"store_uuid", "device_uuid", "device", "version"}));
  EXPECT_EQ(made["store_uuid"].get<std::string>().size(), 36u);
  EXPECT_EQ(made["device_uuid"].get<std::string>().size(), 36u);
  EXPECT_EQ(made["version"], 0);
  const Json info = OkJson({"info"});
  EXPECT_EQ(info["store_uuid"], made["store_uuid"]);
  EXPECT_EQ(info["device_uuid"], made["device_uuid"]);
  EXPECT_EQ(info["device"]["path"], made["device"]);
}

TEST_F(CtlFormat, PrintsTextForPeople) {
  const std::string text = Ok({"format", "--capacity=16MiB"});
  EXPECT_NE(text.find("store    "), std::string::npos);
  EXPECT_NE(text.find("version  0\n"), std::string::npos);
}

TEST_F(CtlFormat, StoresItsSettings) {
  Ok({"format", "--capacity=32M", "--slot-bytes=16KiB", "--header_bytes=4K", "--inline_bytes=512",
      "--initial_version=100", "--durability=unsafe_unsynced", "--snapshot_interval=5", "--keep_recent=1",
      "--wal_segment_bytes=1MiB", "--undo_versions=7"});
  const Json info = OkJson({"info"});
  EXPECT_EQ(info["device"]["capacity_bytes"], 32u << 20);
  EXPECT_EQ(info["device"]["slot_bytes"], 16384);
  EXPECT_EQ(info["device"]["header_bytes"], 4096);
  EXPECT_EQ(info["inline_bytes"], 512);
  EXPECT_EQ(info["initial_version"], 100);
  EXPECT_EQ(info["version"], 100);
  EXPECT_EQ(info["durability"], "unsafe_unsynced");
  EXPECT_EQ(info["settings"]["undo_versions"], 7);
  EXPECT_EQ(Ok({"put", "k", "v"}), "101\n");
}

TEST_F(CtlFormat, CreatesAnAbsentDeviceFileAndKeepsTheSizeOfAnExistingOne) {
  const Json made = OkJson({"format", "--device=" + File("dev"), "--capacity=16MiB"});
  EXPECT_EQ(std::filesystem::file_size(File("dev")), 16u << 20);
  std::ofstream(File("dev2")).close();
  std::filesystem::resize_file(File("dev2"), 24u << 20);
  Ok({"format", "--device=" + File("dev2"), "--capacity=16MiB", "--store=" + File("store2")});
  EXPECT_EQ(std::filesystem::file_size(File("dev2")), 24u << 20);
}

TEST_F(CtlFormat, PreallocatedDeviceFileHasAllItsBlocks) {
  const auto allocated = [&](const std::string& name) {
    struct stat s {};
    EXPECT_EQ(::stat(File(name).c_str(), &s), 0);
    return static_cast<uint64_t>(s.st_blocks) * 512;
  };
  Ok({"format", "--device=" + File("sparse"), "--capacity=16MiB", "--store=" + File("store2")});
  EXPECT_LT(allocated("sparse"), 1u << 20);
  Ok({"format", "--device=" + File("full"), "--capacity=16MiB", "--preallocate"});
  EXPECT_GE(allocated("full"), 15u << 20);
  Ok({"put", "k", std::string(10'000, 'v')});
  EXPECT_EQ(Ok({"get", "k"}), std::string(10'000, 'v'));
  // An older file that is sparse is filled, too.
  Ok({"format", "--device=" + File("sparse"), "--preallocate", "--force", "--store=" + File("store2")});
  EXPECT_GE(allocated("sparse"), 15u << 20);
}

TEST_F(CtlFormat, RefusesToMakeAFileForAMistypedBlockDevice) {
  SkipFinalCheck();
  std::filesystem::create_symlink("/dev", File("link"));
  for (const std::string name : {"/dev/rawkv-no-such-device", "/dev/disk/rawkv-no-such-device"}) {
    EXPECT_TRUE(
        EndedWith(Run({"format", "--device=" + name, "--capacity=16MiB"}), 3, "there is no such device"));
    EXPECT_FALSE(std::filesystem::exists(name));
    EXPECT_FALSE(std::filesystem::exists(store())) << "a failed format leaves nothing";
  }
  EXPECT_TRUE(EndedWith(Run({"format", "--device=" + File("link/rawkv-no-such-device"), "--capacity=16MiB"}),
                        3, "would lie in memory"));
  EXPECT_FALSE(std::filesystem::exists("/dev/rawkv-no-such-device"));
}

TEST_F(CtlFormat, GivesOnlyTheOwnerAccess) {
  Format();
  struct stat status {};
  ASSERT_EQ(::stat(store().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
}

TEST_F(CtlFormat, RefusesBadGeometryWith2) {
  EXPECT_TRUE(EndedWith(Run({"format", "--slot_bytes=5000"}), 2, "format: "));
  EXPECT_TRUE(EndedWith(Run({"format", "--inline_bytes=1MiB"}), 2, "format: "));
  EXPECT_TRUE(EndedWith(Run({"format", "--wal_segment_bytes=1"}), 2, "format: "));
  EXPECT_TRUE(EndedWith(Run({"format", "extra"}), 2, "one argument too many"));
  EXPECT_FALSE(std::filesystem::exists(store() + "/STORE"));
  SkipFinalCheck();
}

TEST_F(CtlFormat, RefusesAnExistingStoreWith3UnlessForced) {
  Format();
  Commit(1);
  const Json before = OkJson({"info"});
  EXPECT_TRUE(EndedWith(Run({"format", "--capacity=16MiB"}), 3, "format: "));
  EXPECT_EQ(OkJson({"info"})["store_uuid"], before["store_uuid"]);
  Ok({"format", "--capacity=16MiB", "--force"});
  EXPECT_NE(OkJson({"info"})["store_uuid"], before["store_uuid"]);
  EXPECT_EQ(OkJson({"info"})["version"], 0);
}

TEST_F(CtlFormat, RefusesADirectoryWithOtherFilesEvenForced) {
  std::filesystem::create_directory(store());
  std::ofstream(store() + "/letter") << "dear";
  EXPECT_TRUE(EndedWith(Run({"format", "--capacity=16MiB"}), 3, "format: "));
  EXPECT_TRUE(EndedWith(Run({"format", "--capacity=16MiB", "--force"}), 3, "format: "));
  EXPECT_EQ(ReadFile(store() + "/letter"), "dear");
  SkipFinalCheck();
}

TEST_F(CtlFormat, RefusesADeviceWithAnotherStoresDataWith3UnlessForced) {
  Ok({"format", "--device=" + File("dev"), "--capacity=16MiB"});
  const std::string other = "--store=" + File("other");
  EXPECT_TRUE(EndedWith(Run({"format", "--device=" + File("dev"), other}), 3, "format: "));
  Ok({"format", "--device=" + File("dev"), other, "--force"});
  SkipFinalCheck();
}

TEST_F(CtlFormat, ADirectoryThatCannotBeCreatedEndsWith5) {
  EXPECT_TRUE(EndedWith(Run({"format", "--store=/dev/null/store", "--capacity=16MiB"}), 5, "/dev/null"));
}

}  // namespace
}  // namespace rawkv::ctl
