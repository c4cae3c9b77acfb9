// Paths of a store, its device and an export, as a user names them. The kernel resolves them, so that any
// directory on the way may be a symlink. Inside the store no symlink is followed.

#include <filesystem>

#include "engine/transfer/transfer.h"
#include "tests/engine/engine_fixture.h"

namespace rawkv {
namespace {

namespace fs = std::filesystem;

class PathsTest : public EngineTest {
 protected:
  void SetUp() override {
    fs::create_directories(tmp_.File("disk/sub"));
    fs::create_symlink("disk", tmp_.File("data"));
    fs::create_symlink("disk/sub", tmp_.File("link"));
  }
};

TEST_F(PathsTest, StoreDeviceAndExportMayLieBelowALinkedDirectory) {
  dir_ = tmp_.File("data/s");
  FormatAndOpen();
  Put("k", OneSlot(1));
  ASSERT_OK(engine_->CreateSnapshot());
  Put("k", OneSlot(2));
  ASSERT_OK(engine_->Rollback(Version(1)));
  ASSERT_OK(engine_->Export({.version = Version(1), .out = tmp_.File("data/ex"), .progress = {}}));
  EXPECT_TRUE(fs::exists(tmp_.File("disk/s/STORE")));
  Close();
  FormatOptions copy = format_;
  copy.device = tmp_.File("data/device");
  ASSERT_OK(
      ImportStore(tmp_.File("data/copy"), {.in = tmp_.File("data/ex"), .format = copy, .progress = {}}));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Engine> imported, Engine::Open(tmp_.File("disk/copy"), open_));
  EXPECT_EQ(imported->Get("k")->bytes, OneSlot(1));
}

TEST_F(PathsTest, DotDotAfterALinkResolvesAsInTheKernel) {
  for (const char* name : {"disk/s", "s"}) {
    ASSERT_OK(Engine::Format(tmp_.File(name), format_));
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Engine> engine, Engine::Open(tmp_.File(name), open_));
    WriteBatch batch;
    batch.Put("who", name);
    ASSERT_OK(engine->Commit(batch));
  }
  dir_ = tmp_.File("link/../s");
  Open();
  EXPECT_EQ(Get("who"), "disk/s");
  ASSERT_OK(engine_->Export({.version = Version(1), .out = tmp_.File("link/../ex"), .progress = {}}));
  EXPECT_TRUE(fs::exists(tmp_.File("disk/ex/MANIFEST")));
  EXPECT_FALSE(fs::exists(tmp_.File("ex")));
}

TEST_F(PathsTest, DevicePathResolvesAsInTheKernel) {
  format_.device = tmp_.File("link/../device");
  FormatAndOpen();
  EXPECT_TRUE(fs::exists(tmp_.File("disk/device")));
  EXPECT_FALSE(fs::exists(tmp_.File("device")));
  Put("k", OneSlot(1));
  Reopen();
  EXPECT_EQ(Get("k"), OneSlot(1));
}

TEST_F(PathsTest, DeviceInsideTheStoreIsRememberedByName) {
  fs::create_directory(tmp_.File("disk/s"));
  fs::create_symlink("disk/s", tmp_.File("s"));
  dir_ = tmp_.File("disk/s");
  format_.device = tmp_.File("s/payload");
  FormatAndOpen();
  Put("k", OneSlot(1));
  Close();
  fs::rename(tmp_.File("disk"), tmp_.File("moved"));
  dir_ = tmp_.File("moved/s");
  Open();
  EXPECT_EQ(Get("k"), OneSlot(1)) << "the store was moved with the device in it";
}

}  // namespace
}  // namespace rawkv
