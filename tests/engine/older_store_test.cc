// A metadata directory that is older than its device, as a restored backup is. It can be read where the
// caller accepts it, and every value that was not overwritten since is intact.

#include <cstdlib>
#include <filesystem>

#include "engine/admin/inspect.h"
#include "tests/engine/engine_fixture.h"

namespace rawkv {
namespace {

class OlderStoreTest : public EngineTest {
 protected:
  OlderStoreTest() {
    format_.device = tmp_.File("device");
    format_.inline_bytes = 0;
    format_.runtime.keep_recent = 0;
  }
  // Makes a backup at version 3. Since then the slots of "first" were freed and used again, "second" was
  // overwritten, and its old slots were not used again. Then restores the backup.
  void SetUp() override {
    format_.capacity_bytes = (18 + 8) * 4096;
    ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
    Put("first", OneSlot(1));
    Put("second", OneSlot(2));
    Put("third", OneSlot(3));
    Close();
    ASSERT_EQ(std::system(("cp -a '" + dir_ + "' '" + tmp_.File("backup") + "'").c_str()), 0);
    Open();
    Delete("first");
    ASSERT_OK(engine_->CreateSnapshot());                                              // frees its slot
    for (uint64_t i = 0; i < 6; ++i) Put("new" + std::to_string(i), OneSlot(10 + i));  // all slots
    Delete("second");
    Close();
    Reopened();
    std::filesystem::rename(dir_, tmp_.File("newest"));
    std::filesystem::rename(tmp_.File("backup"), dir_);
  }
  void Reopened() {
    Open();
    Close();
  }
  void TearDown() override {
    if (engine_ != nullptr) Close();
    std::filesystem::remove_all(dir_);
    std::filesystem::rename(tmp_.File("newest"), dir_);
    open_ = {};
    open_.env.logger = &logger_;
    EngineTest::TearDown();  // nothing of the newest store has changed
  }
  Result<std::unique_ptr<Engine>> Accept() {
    OpenOptions options = open_;
    options.read_only = true;
    options.accept_older_store = true;
    return Engine::Open(dir_, options);
  }
};

TEST_F(OlderStoreTest, RefusalNamesWhatDiffersAndTheWayToReadIt) {
  for (const bool read_only : {false, true}) {
    OpenOptions options = open_;
    options.read_only = read_only;
    EXPECT_STATUS(Engine::Open(dir_, options), StatusCode::kFailedPrecondition, "restored backup",
                  "STORE: generation 1, closed at version 3, lineage ",
                  "; device: generation 3, closed at version", "--accept_older_store");
  }
}

TEST_F(OlderStoreTest, ReadsWhatIsIntactAndNothingElse) {
  Result<std::unique_ptr<Engine>> engine = Accept();
  ASSERT_OK(engine);
  EXPECT_TRUE(logger_.Warned("older than"));
  EXPECT_EQ((*engine)->version(), Version(3));
  EXPECT_STATUS((*engine)->Get("first"), StatusCode::kCorruption);  // overwritten
  for (uint64_t i = 2; i <= 3; ++i) {
    const Result<Value> value = (*engine)->Get(i == 2 ? "second" : "third");
    ASSERT_OK(value);
    EXPECT_EQ(value->bytes, OneSlot(i));
  }
  const Result<std::shared_ptr<const ReadView>> old = (*engine)->OpenView(Version(2));
  ASSERT_OK(old);
  const Result<Value> value = (*engine)->Get("second", {.view = old->get()});
  ASSERT_OK(value);
  EXPECT_EQ(value->bytes, OneSlot(2));
  EXPECT_STATUS((*engine)->Get("third", {.view = old->get()}), StatusCode::kNotFound);
  EXPECT_OK((*engine)->Refresh());
  EXPECT_OK((*engine)->Info());
  EXPECT_STATUS((*engine)->TrimDevice(), StatusCode::kFailedPrecondition);
}

TEST_F(OlderStoreTest, InspectionShowsItWhereItIsAccepted) {
  Result<EngineInfo> info = InspectStore(dir_, open_);
  ASSERT_OK(info);
  EXPECT_NE(info->health.find("restored backup"), std::string::npos);
  OpenOptions options = open_;
  options.accept_older_store = true;
  info = InspectStore(dir_, options);
  ASSERT_OK(info);
  EXPECT_EQ(info->health, "ok");
  EXPECT_EQ(info->version, Version(3));
}

TEST_F(OlderStoreTest, IsNeverOpenedForWriting) {
  OpenOptions options = open_;
  options.accept_older_store = true;
  EXPECT_STATUS(Engine::Open(dir_, options), StatusCode::kInvalidArgument, "read_only");
}

TEST_F(OlderStoreTest, AcceptingChangesNothingForAPresentStore) {
  OpenOptions options = open_;
  options.read_only = true;
  options.accept_older_store = true;
  const Result<std::unique_ptr<Engine>> engine = Engine::Open(tmp_.File("newest"), options);
  ASSERT_OK(engine);
  EXPECT_EQ((*engine)->Get("new3")->bytes, OneSlot(13));
}

}  // namespace
}  // namespace rawkv
