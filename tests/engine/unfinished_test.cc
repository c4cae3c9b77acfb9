// Formats, imports and exports that do not finish. One that fails leaves nothing. One that is killed can be
// repeated. Of several at the same place, one succeeds.

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "engine/admin/inspect.h"
#include "engine/transfer/transfer.h"
#include "tests/engine/engine_fixture.h"
#include "tests/support/fault_fs.h"
#include "tests/support/sanitized.h"

namespace rawkv {
namespace {

namespace fs = std::filesystem;

class UnfinishedTest : public EngineTest {
 protected:
  using Act = std::function<Status(Fs&)>;

  // Exports version 2 of a small store to `in_`.
  void MakeExport() {
    FormatAndOpen();
    Put("inline", "v");
    Put("payload", OneSlot(1));
    ASSERT_OK(engine_->Export({.version = Version(2), .out = in_, .progress = {}}));
  }
  FormatOptions FormatOptionsWith(Fs& with) {
    FormatOptions format = format_;
    format.env.fs = &with;
    return format;
  }
  Status FormatNew(Fs& with) { return Engine::Format(new_, FormatOptionsWith(with)).status(); }
  Status ImportNew(Fs& with) {
    return ImportStore(new_, {.in = in_, .format = FormatOptionsWith(with), .progress = {}}).status();
  }
  // Opens its own engine, so that faults also hit the source store.
  Status ExportNew(Fs& with) {
    OpenOptions open = open_;
    open.env.fs = &with;
    RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<Engine> engine, Engine::Open(dir_, open));
    return engine->Export({.version = Version(2), .out = new_, .progress = {}});
  }
  static FaultFs::Predicate Below(const std::string& path) {
    return [path](const FaultFs::Operation& o) { return o.path.starts_with(path); };
  }

  // Lets the n-th operation below `new_` fail, for n = 1, 2, …, until `act` succeeds. `reach` decides whether
  // only that operation fails or all later ones as well. Sanitizers run one n in seven.
  void FailEverywhere(const Act& act, FaultFs::Reach reach, const std::function<void()>& after) {
    uint64_t failures = 0;
    for (uint64_t skip = 0;; skip += Share(1, 7)) {
      SCOPED_TRACE("operation " + std::to_string(skip));
      FaultFs faulty(PosixFs());
      faulty.Arm({.skip = skip, .reach = reach, .matches = Below(new_)});
      const Status status = act(faulty);
      if (!faulty.fired()) break;
      ++failures;
      if (!status.ok()) ASSERT_NO_FATAL_FAILURE(after());
      // A kill may come after the rename that completes the store or export.
      const bool published = fs::exists(new_ + "/STORE") || fs::exists(new_ + "/MANIFEST");
      if (!published) ASSERT_OK(act(PosixFs())) << "the repeated call failed";
      ASSERT_NO_FATAL_FAILURE(CheckNew());
      fs::remove_all(new_);
      fs::remove(device_);
    }
    EXPECT_GT(failures, Share(5, 1));
  }
  void CheckNew() {
    if (fs::exists(new_ + "/MANIFEST")) {
      EXPECT_OK(ListExport(new_));
      return;
    }
    ASSERT_OK(Engine::Open(new_, open_));
    EXPECT_FALSE(fs::exists(new_ + "/FORMATTING") || fs::exists(new_ + "/IMPORTING"));
    ASSERT_OK_AND_ASSIGN(const CheckReport report, CheckStore(new_, {.deep = true}, open_));
    EXPECT_TRUE(report.ok());
  }
  void ExpectNothingLeft() {
    EXPECT_FALSE(fs::exists(new_));
    EXPECT_FALSE(fs::exists(device_));
  }
  void ExpectNoStore() {
    if (!fs::exists(new_ + "/STORE")) {
      EXPECT_STATUS(Engine::Open(new_, open_), StatusCode::kNotFound);
    }
  }

  const std::string new_ = tmp_.File("new"), in_ = tmp_.File("in"), device_ = tmp_.File("new.device");
};

TEST_F(UnfinishedTest, FormatThatFailsLeavesNothing) {
  FailEverywhere([&](Fs& with) { return FormatNew(with); }, FaultFs::Reach::kOnce,
                 [&] { ExpectNothingLeft(); });
}

TEST_F(UnfinishedTest, FormatOntoANamedDeviceThatFailsLeavesNeitherDirectoryNorDevice) {
  format_.device = device_;
  FailEverywhere([&](Fs& with) { return FormatNew(with); }, FaultFs::Reach::kOnce,
                 [&] { ExpectNothingLeft(); });
}

TEST_F(UnfinishedTest, ImportThatFailsLeavesNothing) {
  MakeExport();
  FailEverywhere([&](Fs& with) { return ImportNew(with); }, FaultFs::Reach::kOnce,
                 [&] { ExpectNothingLeft(); });
}

TEST_F(UnfinishedTest, ExportThatFailsLeavesAnEmptyDirectoryAtMost) {
  MakeExport();
  Close();
  FailEverywhere([&](Fs& with) { return ExportNew(with); }, FaultFs::Reach::kOnce,
                 [&] {
                   EXPECT_TRUE(!fs::exists(new_) || fs::is_empty(new_));
                   EXPECT_STATUS(ListExport(new_), StatusCode::kFailedPrecondition, "no export here");
                 });
}

TEST_F(UnfinishedTest, KilledFormatCanBeRepeated) {
  FailEverywhere([&](Fs& with) { return FormatNew(with); }, FaultFs::Reach::kEverything,
                 [&] { ExpectNoStore(); });
}

TEST_F(UnfinishedTest, KilledFormatCanBeRepeatedOnItsDevice) {
  format_.device = device_;
  FailEverywhere([&](Fs& with) { return FormatNew(with); }, FaultFs::Reach::kEverything,
                 [&] { ExpectNoStore(); });
}

TEST_F(UnfinishedTest, KilledImportCanBeRepeated) {
  MakeExport();
  FailEverywhere([&](Fs& with) { return ImportNew(with); }, FaultFs::Reach::kEverything,
                 [&] { ExpectNoStore(); });
}

TEST_F(UnfinishedTest, KilledExportIsRefusedAndCanBeRepeated) {
  MakeExport();
  Close();
  FailEverywhere([&](Fs& with) { return ExportNew(with); }, FaultFs::Reach::kEverything,
                 [&] {
                   if (fs::exists(new_ + "/MANIFEST")) return;
                   EXPECT_STATUS(ListExport(new_), StatusCode::kFailedPrecondition, "not finished");
                   EXPECT_STATUS(
                       ImportStore(tmp_.File("copy"), {.in = new_, .format = format_, .progress = {}}),
                       StatusCode::kFailedPrecondition, "not finished");
                   EXPECT_FALSE(fs::exists(tmp_.File("copy")));
                 });
}

TEST_F(UnfinishedTest, KilledFormatCanBeRepeatedWithAnotherCapacity) {
  FaultFs faulty(PosixFs());
  faulty.Arm({.matches = [&](const FaultFs::Operation& o) { return o.Is("rename", "/STORE"); }});
  ASSERT_FALSE(FormatNew(faulty).ok());
  ASSERT_TRUE(fs::exists(new_ + "/device.img"));
  EXPECT_STATUS(Engine::Open(new_, open_), StatusCode::kNotFound, "format that was not finished");
  format_.capacity_bytes = 48 * kMiB;
  ASSERT_OK(FormatNew(PosixFs()));
  EXPECT_EQ(fs::file_size(new_ + "/device.img"), 48 * kMiB);
}

TEST_F(UnfinishedTest, RepeatedFormatOverAForeignDeviceNeedsForce) {
  format_.device = device_;
  FaultFs faulty(PosixFs());
  faulty.Arm({.matches = [&](const FaultFs::Operation& o) { return o.Is("rename", "/STORE"); }});
  ASSERT_FALSE(FormatNew(faulty).ok());
  dir_ = tmp_.File("other");
  format_.device = tmp_.File("other.device");
  Format();
  EXPECT_STATUS(FormatNew(PosixFs()), StatusCode::kFailedPrecondition, "--force");
  ExpectWhole();
}

TEST_F(UnfinishedTest, ForcedFormatThatFailsEarlyKeepsTheOldStore) {
  FormatAndOpen();
  Put("k", OneSlot(1));
  Close();
  FormatOptions format = format_;
  format.force = true;
  format.device = tmp_.File("absent/device");
  EXPECT_FALSE(Engine::Format(dir_, format).ok());
  EXPECT_FALSE(fs::exists(Path("FORMATTING")));
  Open();
  EXPECT_EQ(Get("k"), OneSlot(1));
}

TEST_F(UnfinishedTest, KilledForcedFormatCanBeRepeatedAndKeepsForeignFiles) {
  Format();
  std::ofstream(Path("mine")) << "x";
  FaultFs faulty(PosixFs());
  faulty.Arm({.matches = [&](const FaultFs::Operation& o) { return o.Is("mkdir", "/wal"); }});
  FormatOptions format = FormatOptionsWith(faulty);
  format.force = true;
  ASSERT_FALSE(Engine::Format(dir_, format).ok());
  ASSERT_FALSE(fs::exists(Path("STORE")));
  format.env.fs = &PosixFs();
  ASSERT_OK(Engine::Format(dir_, format));
  EXPECT_TRUE(fs::exists(Path("mine")));
}

TEST_F(UnfinishedTest, PartsOfAStoreAreDestroyedOnlyWithForce) {
  FormatAndOpen();
  Put("k", "v");
  Close();
  fs::rename(Path("STORE"), tmp_.File("STORE"));
  EXPECT_STATUS(Engine::Format(dir_, format_), StatusCode::kFailedPrecondition, "holds a store");
  fs::rename(Path("STORE-COPY"), tmp_.File("STORE-COPY"));
  EXPECT_STATUS(Engine::Format(dir_, format_), StatusCode::kFailedPrecondition, "without STORE");
  for (const char* name : {"STORE", "STORE-COPY"}) fs::rename(tmp_.File(name), Path(name));
  Open();
  EXPECT_EQ(Get("k"), "v");
  Close();
  for (const char* name : {"STORE", "STORE-COPY"}) fs::remove(Path(name));
  format_.force = true;
  FormatAndOpen();
  EXPECT_FALSE(Has("k"));
}

TEST_F(UnfinishedTest, MarkInACompleteStoreIsIgnoredAndSwept) {
  FormatAndOpen();
  Put("k", "v");
  Close();
  for (const char* mark : {"FORMATTING", "IMPORTING"}) {
    std::ofstream(Path(mark)) << "store x\n";
    EXPECT_STATUS(Engine::Format(dir_, format_), StatusCode::kFailedPrecondition, "holds a store already");
    ExpectWhole();
    Open();
    EXPECT_EQ(Get("k"), "v");
    Close();
    EXPECT_FALSE(fs::exists(Path(mark))) << mark;
  }
}

TEST_F(UnfinishedTest, LostAndFoundIsIgnoredAndKept) {
  MakeExport();
  Close();
  const std::vector<Act> acts = {[&](Fs& with) { return FormatNew(with); },
                                 [&](Fs& with) { return ImportNew(with); },
                                 [&](Fs& with) { return ExportNew(with); }};
  for (const Act& act : acts) {
    fs::create_directories(new_ + "/lost+found");
    std::ofstream(new_ + "/lost+found/#12") << "x";
    ASSERT_OK(act(PosixFs()));
    CheckNew();
    EXPECT_TRUE(fs::exists(new_ + "/lost+found/#12"));
    fs::remove_all(new_);
    fs::create_directory(new_);
    std::ofstream(new_ + "/lost+found") << "a file of that name is content";
    EXPECT_STATUS(act(PosixFs()), StatusCode::kFailedPrecondition, "not empty");
    fs::remove_all(new_);
  }
}

TEST_F(UnfinishedTest, ImportBuildsInItsTargetDirectory) {
  MakeExport();
  fs::create_directory(new_);
  const FileStat before = *PosixFs().Stat(new_);
  uint64_t looked = 0;
  const ImportOptions import{.in = in_, .format = format_, .progress = [&](const Progress&) {
                               ++looked;
                               EXPECT_STATUS(Engine::Open(new_, open_), StatusCode::kNotFound, "import");
                               EXPECT_FALSE(fs::exists(new_ + ".importing"));
                             }};
  ASSERT_OK(ImportStore(new_, import));
  EXPECT_GT(looked, 0);
  EXPECT_EQ(PosixFs().Stat(new_)->id, before.id)
      << "the import replaced the directory: on a mount point it would fail";
}

TEST_F(UnfinishedTest, DirectoryLockedByAnotherProcessIsRefusedUnchanged) {
  MakeExport();
  Close();
  fs::create_directory(new_);
  const std::vector<std::pair<const char*, Act>> acts = {
      {"LOCK", [&](Fs& with) { return FormatNew(with); }},
      {"LOCK", [&](Fs& with) { return ImportNew(with); }},
      {"EXPORTING", [&](Fs& with) { return ExportNew(with); }}};
  for (const auto& [name, act] : acts) {
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<FileLock> other, PosixFs().Lock(new_ + "/" + name));
    EXPECT_STATUS(act(PosixFs()), StatusCode::kBusy, new_);
    EXPECT_EQ(PosixFs().List(new_).value(), std::vector<std::string>{name});
    fs::remove(new_ + "/" + name);
  }
}

TEST_F(UnfinishedTest, OneOfSeveralConcurrentFormatsAndImportsSucceeds) {
  MakeExport();
  const std::vector<Act> acts = {[&](Fs& with) { return FormatNew(with); },
                                 [&](Fs& with) { return ImportNew(with); }};
  for (int round = 0; round < 10; ++round) {
    std::atomic<int> done{0}, waiting{4};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        --waiting;
        while (waiting > 0) std::this_thread::yield();
        const Status status = acts[static_cast<size_t>(t) % 2](PosixFs());
        done += status.ok();
        const bool refused =
            status.code() == StatusCode::kBusy || status.code() == StatusCode::kFailedPrecondition;
        EXPECT_TRUE(status.ok() || refused) << status.ToString();
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(done, 1);
    ASSERT_NO_FATAL_FAILURE(CheckNew());
    fs::remove_all(new_);
  }
}

TEST_F(UnfinishedTest, ExportBelowAMissingDirectoryIsRefused) {
  MakeExport();
  EXPECT_STATUS(engine_->Export({.version = Version(2), .out = tmp_.File("no/such"), .progress = {}}),
                StatusCode::kFailedPrecondition, "no/such");
}

}  // namespace
}  // namespace rawkv
