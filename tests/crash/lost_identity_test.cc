// No single loss of STORE, STORE-COPY or a superblock loses the store, nor does the loss of both files or of
// both superblocks (invariant 15; docs/repair.md).
#include <filesystem>
#include <fstream>

#include "blockdev/superblock.h"
#include "engine/admin/inspect.h"
#include "engine/admin/repair.h"
#include "engine/store/store_context.h"
#include "tests/crash/damaged_store.h"

namespace rawkv {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFiles[] = {"STORE", "STORE-COPY"};

void ZeroBlock(const std::string& device, uint64_t offset) {
  std::fstream f(device, std::ios::in | std::ios::out | std::ios::binary);
  f.seekp(static_cast<std::streamoff>(offset));
  f << std::string(kSuperblockBytes, '\0');
  EXPECT_TRUE(f.good());
}

class LostIdentity : public DamagedStore {
 protected:
  // Opens the store, compares its content with the model, commits, and checks every part of it.
  void ExpectNothingLost(const std::string& dir) {
    {
      ASSERT_OK_AND_ASSIGN(std::unique_ptr<Engine> engine, Engine::Open(dir, Quiet()));
      ASSERT_EQ(engine->version(), Version(kTip));
      for (uint64_t v = 0; v <= kTip; ++v)
        EXPECT_EQ(Content(*engine, Version(v)), State(v)) << "version " << v;
      EXPECT_EQ(Put(*engine, "afterwards", std::string(6000, 'z')), Version(kTip + 1));
      EXPECT_TRUE(engine->Close().ok());
    }
    ExpectWhole(dir);
  }
  // Whether the store opens with its content, as cheaply as possible.
  static Status TryOpen(const std::string& dir) {
    Result<std::unique_ptr<Engine>> engine = Engine::Open(dir, Quiet());
    if (!engine.ok()) return engine.status();
    const bool right = (*engine)->version() == Version(kTip);
    RAWKV_RETURN_IF_ERROR((*engine)->Close());
    return right ? Status::Ok() : Status::Corruption("opened at another version");
  }
};

TEST_F(LostIdentity, AnyFlippedByteOfStoreOrItsCopyLosesNothing) {
  const std::string dir = FreshCopy();
  for (const std::string file : kFiles) {
    const std::string path = dir + "/" + file;
    ASSERT_TRUE(fs::exists(path)) << path;
    for (uint64_t at = 0; at < fs::file_size(path); ++at) {
      FlipByte(path, at);
      const Status opened = TryOpen(dir);
      ASSERT_TRUE(opened.ok()) << file << ", byte " << at << ": " << opened.ToString();
    }
  }
  ExpectNothingLost(dir);
}

TEST_F(LostIdentity, RemovedStoreOrCopyLosesNothing) {
  for (const std::string file : kFiles) {
    SCOPED_TRACE(file);
    const std::string dir = FreshCopy();
    fs::remove(dir + "/" + file);
    ExpectNothingLost(dir);
    EXPECT_TRUE(fs::exists(dir + "/" + file)) << "the open did not write it again";
  }
}

// The losses of both copies at once.
struct Loss {
  const char* name;
  const char* kind;  // of the finding
  std::function<void(const std::string& dir)> damage;
};

std::vector<Loss> Losses() {
  const auto device = [](const std::string& dir) { return dir + "/device.img"; };
  return {
      {"both files removed", "store",
       [](const std::string& dir) {
         for (const std::string file : kFiles) fs::remove(dir + "/" + file);
       }},
      {"both files damaged", "store",
       [](const std::string& dir) {
         for (const std::string file : kFiles) FlipByte(dir + "/" + file, 60);
       }},
      {"one file damaged, one removed", "store",
       [](const std::string& dir) {
         FlipByte(dir + "/STORE", 60);
         fs::remove(dir + "/STORE-COPY");
       }},
      {"both superblocks damaged", "superblock",
       [device](const std::string& dir) {
         FlipByte(device(dir), 100);
         FlipByte(device(dir), kSuperblockBytes + 100);
       }},
      {"both superblocks removed", "superblock",
       [device](const std::string& dir) {
         ZeroBlock(device(dir), 0);
         ZeroBlock(device(dir), kSuperblockBytes);
       }},
  };
}

// fsck finds the loss, the repair asks, and then restores everything from the side that is left.
TEST_F(LostIdentity, LossOfBothIsRestoredFromTheOtherSideWithConsent) {
  for (const Loss& loss : Losses()) {
    SCOPED_TRACE(loss.name);
    const std::string dir = FreshCopy();
    loss.damage(dir);
    const auto before = DescribeFiles(dir);
    EXPECT_FALSE(Engine::Open(dir, Quiet()).ok());
    ASSERT_OK_AND_ASSIGN(const CheckReport found, CheckStore(dir, {}, Quiet()));
    ASSERT_EQ(found.findings.size(), 1u);
    EXPECT_EQ(found.findings.front().kind, loss.kind);

    CheckReport ignored;
    const Result<RepairPlan> plan = PlanRepair(dir, {}, Quiet(), &ignored);
    ASSERT_OK(plan);
    EXPECT_EQ(plan->hopeless, "");
    EXPECT_TRUE(plan->needs_confirmation());
    EXPECT_GE(plan->trusted.size(), 2u) << "the plan names no evidence but the other side itself";
    ASSERT_OK_AND_ASSIGN(const RepairReport refused, RepairStore(dir, {}, Quiet()));
    EXPECT_TRUE(refused.repaired.empty());
    EXPECT_EQ(DescribeFiles(dir), before) << "something changed without consent";

    const Result<RepairReport> repaired = RepairStore(dir, {.may_give_up = VersionRanges()}, Quiet());
    ASSERT_OK(repaired);
    EXPECT_TRUE(repaired->agreed);
    EXPECT_TRUE(repaired->left.ok());
    ASSERT_EQ(repaired->repaired.size(), 1u);
    EXPECT_EQ(repaired->repaired.front().action, "restore");
    ExpectNothingLost(dir);
  }
}

// Nothing is left to restore from: the repair reports it and changes nothing.
TEST_F(LostIdentity, LossOfBothSidesIsReportedAndNothingChanges) {
  const std::string dir = FreshCopy();
  for (const std::string file : kFiles) FlipByte(dir + "/" + file, 60);
  for (const uint64_t at : {uint64_t{0}, kSuperblockBytes}) ZeroBlock(dir + "/device.img", at);
  const auto before = DescribeFiles(dir);
  ASSERT_OK_AND_ASSIGN(const RepairReport report,
                       RepairStore(dir, {.may_give_up = VersionRanges()}, Quiet()));
  EXPECT_NE(report.plan.hopeless.find("import an export"), std::string::npos) << report.plan.hopeless;
  EXPECT_TRUE(report.repaired.empty());
  EXPECT_FALSE(report.left.ok());
  EXPECT_EQ(DescribeFiles(dir), before);
}

// The device's path names another disk. Nothing may be written to it.
TEST_F(LostIdentity, SuperblocksAreNotWrittenToAnotherDevice) {
  const std::string dir = FreshCopy();
  const std::string device = dir + "/device.img";
  const uint64_t bytes = fs::file_size(device);
  fs::remove(device);
  std::ofstream(device, std::ios::binary) << std::string(bytes, 'x');
  const auto before = DescribeFiles(dir);
  EXPECT_FALSE(Engine::Open(dir, Quiet()).ok());
  const Result<RepairReport> report = RepairStore(dir, {.may_give_up = VersionRanges()}, Quiet());
  EXPECT_STATUS(report, StatusCode::kFailedPrecondition, "payloads passes its checksums");
  EXPECT_EQ(DescribeFiles(dir), before);
}

// The device is a backup from before a rollback, and both files are lost: what came after the rollback must
// not be taken for an abandoned branch.
TEST_F(LostIdentity, StoreIsNotMadeFromADeviceOfAnotherTime) {
  const std::string dir = FreshCopy();
  fs::copy_file(dir + "/device.img", scratch_.File("older.img"));
  {
    const std::unique_ptr<Engine> engine = Open(dir);
    ASSERT_TRUE(engine->Rollback(Version(9)).ok());
    Put(*engine, "after", "the rollback");
    ASSERT_TRUE(engine->CreateSnapshot().ok());
    ASSERT_TRUE(engine->Close().ok());
  }
  fs::copy_file(scratch_.File("older.img"), dir + "/device.img", fs::copy_options::overwrite_existing);
  for (const std::string file : kFiles) fs::remove(dir + "/" + file);
  const auto before = DescribeFiles(dir);
  const Result<RepairReport> report = RepairStore(dir, {.may_give_up = VersionRanges()}, Quiet());
  EXPECT_STATUS(report, StatusCode::kNotFound, "of different times");
  EXPECT_EQ(DescribeFiles(dir), before);
}

// A chain of 200 branches does not fit the superblock. The store works; only STORE cannot be made from the
// device.
TEST_F(LostIdentity, ChainThatIsTooLongForTheSuperblockIsLeftOut) {
  const std::string dir = FreshCopy();
  StoreRecord record = *LoadStoreRecord(PosixFs(), dir);
  EXPECT_NE(OwnerRecordOf(record), "");
  for (uint64_t id = 1; id <= 200; ++id) record.chain = record.chain.Forked(Lineage(id), Version(kTip));
  EXPECT_EQ(OwnerRecordOf(record), "");
  ASSERT_TRUE(SaveStoreRecord(PosixFs(), dir, record).ok());
  ASSERT_TRUE(TryOpen(dir).ok());

  for (const uint64_t at : {uint64_t{0}, kSuperblockBytes}) ZeroBlock(dir + "/device.img", at);
  ASSERT_OK_AND_ASSIGN(const RepairReport repaired,
                       RepairStore(dir, {.may_give_up = VersionRanges()}, Quiet()));
  EXPECT_TRUE(repaired.left.ok());
  ExpectNothingLost(dir);

  for (const std::string file : kFiles) fs::remove(dir + "/" + file);
  const auto before = DescribeFiles(dir);
  const Result<RepairReport> refused = RepairStore(dir, {.may_give_up = VersionRanges()}, Quiet());
  EXPECT_STATUS(refused, StatusCode::kNotFound, "has no copy of STORE");
  EXPECT_EQ(DescribeFiles(dir), before);
}

// A writer is at work while its STORE is damaged: a reader alongside it uses the copy.
TEST_F(LostIdentity, ReadersAlongsideAWriterUseTheCopy) {
  const std::string dir = FreshCopy();
  const std::unique_ptr<Engine> writer = Open(dir);
  FlipByte(dir + "/STORE", 60);
  OpenOptions options = Quiet();
  options.read_only = true;
  const std::unique_ptr<Engine> reader = Open(dir, options);
  ASSERT_NE(reader, nullptr);
  EXPECT_EQ(Content(*reader), State(kTip));
  EXPECT_EQ(Put(*writer, "more", "v"), Version(kTip + 1));
  ASSERT_TRUE(reader->Refresh().ok());
  EXPECT_EQ(reader->version(), Version(kTip + 1));
  EXPECT_TRUE(reader->Close().ok());
  EXPECT_TRUE(writer->Close().ok());
  EXPECT_TRUE(InspectStoreFiles(PosixFs(), dir).agree()) << "the close did not write STORE again";
}

TEST_F(LostIdentity, AnyFlippedByteOfASuperblockLosesNothing) {
  const std::string dir = FreshCopy();
  const std::string device = dir + "/device.img";
  for (uint64_t at = 0; at < 2 * kSuperblockBytes; ++at) {
    FlipByte(device, at);
    const Status read = OpenStoreContext(dir, Quiet(), ContextAccess::kRead).status();
    ASSERT_TRUE(read.ok()) << "byte " << at << ": " << read.ToString();
    FlipByte(device, at);
    if (at % 251 != 0) continue;
    // Every so many bytes the whole way: an open that writes both again.
    FlipByte(device, at);
    const Status done = TryOpen(dir);
    ASSERT_TRUE(done.ok()) << "byte " << at << ": " << done.ToString();
    const Result<CheckReport> check = CheckStore(dir, {}, Quiet());
    ASSERT_TRUE(check.ok() && check->ok()) << "byte " << at << ": the open did not mend the superblock";
  }
  ExpectNothingLost(dir);
}

TEST_F(LostIdentity, RemovedSuperblockLosesNothing) {
  for (const uint64_t at : {uint64_t{0}, kSuperblockBytes}) {
    const std::string dir = FreshCopy();
    ZeroBlock(dir + "/device.img", at);
    ExpectNothingLost(dir);
  }
}

}  // namespace
}  // namespace rawkv
