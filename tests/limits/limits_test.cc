// Every command under every limit of the process and the filesystem. The exit status must be one that the
// contract allows (docs/cli.md, "Exit status"). Once the limit is lifted, the store must be whole and accept
// a put and a get. A table of limits and a table of commands share one runner. The calls of Engine:
// api_limits_test.cc.

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "tests/limits/limited_run.h"
#include "tests/support/small_filesystem.h"
#include "tests/support/temp_dir.h"

namespace rawkv {
namespace {

namespace fs = std::filesystem;
using Args = std::vector<std::string>;

// Runs before the process has threads. A test that needs a mount asks again, and skips with the reason if
// this failed.
const Status kPrepared = SmallFilesystem::PrepareProcess();
constexpr uid_t kNobody = 65534;

// OUT stands for a path next to the store, IN for an export that was made before the limit.
const std::vector<Args> kCommands = {{"info"},
                                     {"get", "large"},
                                     {"get", "large", "--out=OUT.value"},
                                     {"get", "absent"},
                                     {"get", "small", "--version=2"},
                                     {"get", "large", "--read_only"},
                                     {"get", "small", "large"},
                                     {"scan"},
                                     {"scan", "--values"},
                                     {"dump"},
                                     {"put", "small", "new"},
                                     {"put", "large", "--file=VALUE"},
                                     {"apply", "CHANGES"},
                                     {"load", "CHANGES"},
                                     {"shell"},
                                     {"del", "small"},
                                     {"del", "--prefix=small", "--yes"},
                                     {"snapshot", "list"},
                                     {"snapshot", "verify"},
                                     {"snapshot", "create"},
                                     {"snapshot", "pin", "--name=p"},
                                     {"snapshot", "unpin", "--name=p"},
                                     {"snapshot", "delete", "--version=2"},
                                     {"snapshot", "prune", "--keep=0"},
                                     {"rollback", "--version=4", "--yes"},
                                     {"export", "--version=4", "--out=OUT.export"},
                                     {"import", "--in=IN", "--store=OUT.imported"},
                                     {"format", "--store=OUT.formatted", "--capacity=16MiB"},
                                     {"wal", "list"},
                                     {"wal", "dump"},
                                     {"wal", "verify"},
                                     {"fsck", "--deep"},
                                     {"fsck", "--repair", "--drop_damaged", "--yes"},
                                     {"stats"},
                                     {"stats", "--prometheus"},
                                     {"diff", "--from=3", "--to=4"},
                                     {"scrub"}};

void SetLimit(int resource, rlim_t value) {
  rlimit limit{.rlim_cur = value, .rlim_max = value};
  ::setrlimit(static_cast<__rlimit_resource_t>(resource), &limit);
}

class LimitsTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = tmp_.File("root");
    fs::create_directory(root_);
    // Another user must be able to run the program.
    ctl_ = tmp_.File("rawkv-ctl");
    fs::copy_file(RAWKV_CTL_PATH, ctl_);
    fs::permissions(tmp_.path(), fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
  }

  // Makes a store with a snapshot, history, and values on the device and in the index; an export; and input
  // files.
  void MakeStore() {
    RunOk({"format", "--capacity=32MiB", "--wal_segment_bytes=1MiB"});
    for (const char* name : {"VALUE", "CHANGES"}) inputs_ = Write(name);
    RunOk({"put", "small", "one"});
    RunOk({"put", "large", "--file=VALUE"});
    RunOk({"snapshot", "create"});
    RunOk({"apply", "CHANGES"});
    RunOk({"export", "--version=3", "--out=IN"});
  }
  std::string Write(const std::string& name) {
    std::string content(300'000, 'x');
    if (name == "CHANGES") {
      content.clear();
      for (int i = 0; i < 3; ++i)
        content += R"({"put":[{"key":"k","value":")" + std::string(2000, 'v') + "\"}]}\n";
    }
    std::ofstream(tmp_.File(name)) << content;
    return content;
  }

  Args Expand(Args args) const {
    bool has_store = false;
    for (std::string& arg : args) {
      const auto replace = [&](const std::string& from, const std::string& to) {
        if (const size_t at = arg.find(from); at != std::string::npos) arg.replace(at, from.size(), to);
      };
      replace("OUT.", root_ + "/out.");
      replace("=IN", "=" + tmp_.File("IN"));
      if (arg == "CHANGES" || arg == "--file=VALUE")
        replace(arg == "CHANGES" ? "CHANGES" : "VALUE", tmp_.File(arg == "CHANGES" ? arg : "VALUE"));
      replace("=OUT", "=" + tmp_.File("OUT"));
      has_store |= arg.starts_with("--store=");
    }
    if (!has_store) args.push_back("--store=" + root_ + "/store");
    return args;
  }
  LimitedResult Run(
      const Args& args, const ApplyLimit& apply = [] {}) const {
    return RunLimited(ctl_, Expand(args), apply);
  }
  void RunOk(const Args& args) {
    const LimitedResult result = Run(args);
    ASSERT_EQ(result.status, 0) << args.front() << ": " << result.text;
  }

  // Runs each command under the limit. Its status must be allowed, and a failure must print a reason.
  void RunAll(const std::string& limit, const ApplyLimit& apply) {
    for (const Args& command : kCommands) {
      std::string shown = limit + ":";
      for (const std::string& word : command) shown += " " + word;
      const LimitedResult result = Run(command, apply);
      const bool absent = command.front() == "get" && command.back() == "absent";
      const bool allowed = result.status == 0 || result.status == 2 || result.status == 3 ||
                           result.status == 5 || (absent && result.status == 1) ||
                           (command.front() == "diff" && result.status == 1);
      EXPECT_TRUE(allowed) << shown << " ended with " << result.status << ", signal " << result.signal << ": "
                           << result.text;
      if (result.status != 0) EXPECT_FALSE(result.text.empty()) << shown << " gave no reason";
      for (const char* left : {"out.value", "out.export", "out.imported", "out.formatted"}) {
        fs::remove_all(root_ + "/" + left);
      }
      for (const auto& entry : fs::directory_iterator(root_)) {
        EXPECT_FALSE(entry.path().string().ends_with(".tmp")) << shown << " left " << entry.path();
      }
    }
  }
  void ExpectWholeAndUsable(const std::string& limit) {
    for (const Args& command : std::vector<Args>{{"fsck", "--deep"},
                                                 {"put", "after", "the limit"},
                                                 {"get", "after"},
                                                 {"get", "large"},
                                                 {"snapshot", "create"},
                                                 {"fsck", "--deep"}}) {
      const LimitedResult result = Run(command);
      EXPECT_EQ(result.status, 0) << "after " << limit << ", " << command.front() << ": " << result.text;
    }
  }

  TempDir tmp_;
  std::string root_;  // parent directory of the store and of the commands' output
  std::string ctl_;
  std::string inputs_;
};

struct ProcessLimit {
  const char* name;
  int resource;
  rlim_t value;
};
class ProcessLimitsTest : public LimitsTest, public testing::WithParamInterface<ProcessLimit> {};

TEST_P(ProcessLimitsTest, EveryCommandKeepsItsContract) {
  ASSERT_NO_FATAL_FAILURE(MakeStore());
  const ProcessLimit& limit = GetParam();
  RunAll(limit.name, [&] { SetLimit(limit.resource, limit.value); });
  ExpectWholeAndUsable(limit.name);
}

INSTANTIATE_TEST_SUITE_P(Limits, ProcessLimitsTest,
                         testing::Values(ProcessLimit{"descriptors_6", RLIMIT_NOFILE, 6},
                                         ProcessLimit{"descriptors_12", RLIMIT_NOFILE, 12},
                                         ProcessLimit{"descriptors_20", RLIMIT_NOFILE, 20},
                                         ProcessLimit{"file_size_4K", RLIMIT_FSIZE, 4096},
                                         ProcessLimit{"file_size_256K", RLIMIT_FSIZE, 256 << 10},
                                         ProcessLimit{"file_size_2M", RLIMIT_FSIZE, 2 << 20}),
                         [](const auto& tested) { return std::string(tested.param.name); });

class FilesystemLimitsTest : public LimitsTest {
 protected:
  void MountAndMakeStore(SmallFilesystem::Kind kind) {
    Result<std::unique_ptr<SmallFilesystem>> mounted = SmallFilesystem::Mount(kind, tmp_.path(), 64);
    if (!mounted.ok()) GTEST_SKIP() << mounted.status().message();
    filesystem_ = *std::move(mounted);
    root_ = filesystem_->path();
    MakeStore();
  }
  std::unique_ptr<SmallFilesystem> filesystem_;
};

TEST_F(FilesystemLimitsTest, CommandsKeepTheirContractOnAFullFilesystemWithTheReserve) {
  ASSERT_NO_FATAL_FAILURE(MountAndMakeStore(SmallFilesystem::Kind::kTmpfs));
  if (IsSkipped()) return;
  ASSERT_TRUE(filesystem_->FillTo(0).ok());
  RunAll("full", [] {});
  filesystem_->RemoveFill();
  ExpectWholeAndUsable("full");
}

TEST_F(FilesystemLimitsTest, CommandsKeepTheirContractOnAFullFilesystemWithoutTheReserve) {
  ASSERT_NO_FATAL_FAILURE(MountAndMakeStore(SmallFilesystem::Kind::kExt4));
  if (IsSkipped()) return;
  fs::remove(root_ + "/store/reserve");
  ASSERT_TRUE(filesystem_->FillTo(0).ok());
  RunAll("full without reserve", [&] { (void)filesystem_->FillTo(0).ok(); });
  filesystem_->RemoveFill();
  ExpectWholeAndUsable("full without reserve");
}

TEST_F(FilesystemLimitsTest, CommandsKeepTheirContractOverQuota) {
  ASSERT_NO_FATAL_FAILURE(MountAndMakeStore(SmallFilesystem::Kind::kTmpfs));
  if (IsSkipped()) return;
  ASSERT_TRUE(filesystem_->FillTo(0).ok());
  RunAll("over quota", [] { ::setenv("LD_PRELOAD", RAWKV_OVER_QUOTA, 1); });
  filesystem_->RemoveFill();
  ExpectWholeAndUsable("over quota");
}

TEST_F(FilesystemLimitsTest, CommandsKeepTheirContractOnReadOnlyMedia) {
  ASSERT_NO_FATAL_FAILURE(MountAndMakeStore(SmallFilesystem::Kind::kTmpfs));
  if (IsSkipped()) return;
  ASSERT_TRUE(filesystem_->SetReadOnly(true).ok());
  for (const Args& command : kCommands) {
    const LimitedResult result = Run(command);
    const bool one = command.back() == "absent" || command.front() == "diff";
    EXPECT_TRUE(result.status == 0 || result.status == 3 || result.status == 5 || (one && result.status == 1))
        << command.front() << " ended with " << result.status << ": " << result.text;
  }
  ASSERT_TRUE(filesystem_->SetReadOnly(false).ok());
  ExpectWholeAndUsable("read-only media");
}

TEST_F(LimitsTest, UserWhoMayOnlyReadTheFilesCanLookAndRead) {
  if (::geteuid() != 0) GTEST_SKIP() << "becoming another user needs root";
  ASSERT_NO_FATAL_FAILURE(MakeStore());
  fs::permissions(root_, fs::perms::all);
  // The other user keeps root's group.
  constexpr fs::perms kRead = fs::perms::group_read | fs::perms::others_read;
  constexpr fs::perms kEnter = fs::perms::group_exec | fs::perms::others_exec;
  fs::permissions(root_ + "/store", kRead | kEnter, fs::perm_options::add);
  for (const auto& entry : fs::recursive_directory_iterator(root_ + "/store")) {
    if (entry.is_symlink()) continue;
    fs::permissions(entry.path(), entry.is_directory() ? kRead | kEnter : kRead, fs::perm_options::add);
  }
  for (const Args& command : std::vector<Args>{{"info"},
                                               {"get", "large"},
                                               {"get", "small", "--version=2"},
                                               {"scan"},
                                               {"stats"},
                                               {"export", "--version=4", "--out=OUT.export"},
                                               {"snapshot", "verify"},
                                               {"rollback", "--version=4", "--dry_run"},
                                               {"wal", "verify"},
                                               {"fsck", "--deep"}}) {
    const LimitedResult result = Run(command, [] {
      if (::setuid(kNobody) != 0) ::_exit(126);
    });
    EXPECT_EQ(result.status, 0) << command.front() << ": " << result.text;
  }
  const LimitedResult put = Run({"put", "small", "new"}, [] {
    if (::setuid(kNobody) != 0) ::_exit(126);
  });
  EXPECT_EQ(put.status, 3) << put.text;
  EXPECT_NE(put.text.find("no permission"), std::string::npos) << put.text;
  ExpectWholeAndUsable("reading by another user");
}

TEST_F(LimitsTest, CommandsKeepTheirContractForAnotherUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "becoming another user needs root";
  ASSERT_NO_FATAL_FAILURE(MakeStore());
  fs::permissions(root_, fs::perms::all);
  RunAll("foreign owner", [] {
    if (::setuid(kNobody) != 0) ::_exit(126);
  });
  ExpectWholeAndUsable("foreign owner");
}

}  // namespace
}  // namespace rawkv
