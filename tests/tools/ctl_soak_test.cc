#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include <unistd.h>

#include "base/base64.h"
#include "base/logger.h"
#include "base/sha256.h"
#include "engine/engine.h"
#include "tests/support/model.h"
#include "tests/support/sanitized.h"
#include "tests/tools/ctl_fixture.h"

// info, get, stats and scan of other processes while this process writes, makes snapshots and prunes as fast
// as it can. Version v writes key "k<v mod 16>" with a value that follows from v, so each answer can be
// compared with the versions that it reports. RAWKV_LOOKS: how often each command runs (1,000 in the long
// run).
namespace rawkv::ctl {
namespace {

constexpr uint64_t kKeys = 16;

uint64_t Looks() {
  const char* wanted = std::getenv("RAWKV_LOOKS");
  return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : Share(15, 5);
}

std::string ValueOf(uint64_t version) {
  return MakeValue({version, 3000 + version % 5000});
}

class CtlSoak : public CtlTest {
 protected:
  void SetUp() override {
    Format();
    OpenOptions options;
    options.env.logger = &NullLogger();
    Result<std::unique_ptr<Engine>> engine = Engine::Open(store(), options);
    ASSERT_TRUE(engine.ok()) << engine.status().ToString();
    engine_ = *std::move(engine);
    for (uint64_t i = 0; i < kKeys; ++i) Commit();
    writer_ = std::thread([this] {
      for (uint64_t n = 1; !stop_; ++n) {
        Commit();
        if (n % 50 == 0) Expect(engine_->CreateSnapshot().status());
        if (n % 170 == 0) Expect(engine_->Prune(0).status());
      }
    });
  }
  void TearDown() override {
    stop_ = true;
    if (writer_.joinable()) writer_.join();
    if (engine_ != nullptr) {
      Expect(engine_->Prune(0).status());  // sweeps what killed readers have left
      EXPECT_TRUE(std::filesystem::is_empty(store() + "/views"));
      Expect(engine_->Close());
      engine_.reset();
    }
    CtlTest::TearDown();
  }
  static void Expect(const Status& status) { EXPECT_TRUE(status.ok()) << status.ToString(); }
  void Commit() {
    const uint64_t next = acknowledged_ + 1;
    WriteBatch batch;
    batch.Put("k" + std::to_string(next % kKeys), ValueOf(next));
    const CommitResult done = engine_->Commit(batch);
    ASSERT_TRUE(done.ok()) << done.status.ToString();
    acknowledged_ = next;
  }
  void CheckInfo() {
    const uint64_t before = acknowledged_;
    const Json info = OkJson({"info"});
    EXPECT_GE(info["version"].get<uint64_t>(), before);
    EXPECT_EQ(info["health"], "ok");
    EXPECT_EQ(info["writer"]["pid"], ::getpid());
    EXPECT_EQ(info["writer"]["status"]["state"], "open");
  }
  void CheckStats() {
    const uint64_t before = acknowledged_;
    EXPECT_GE(OkJson({"stats"})["store"]["version"].get<uint64_t>(), before);
  }
  void CheckGet(uint64_t key) {
    const uint64_t before = acknowledged_;
    const Json got = OkJson({"get", "k" + std::to_string(key)});
    const auto version = got["version"].get<uint64_t>();
    EXPECT_EQ(version % kKeys, key);
    EXPECT_GT(version + kKeys, before) << "an older value than that of version " << before;
    const Result<std::string> value = DecodeBase64(got["value_b64"].get<std::string>());
    ASSERT_TRUE(value.ok());
    EXPECT_EQ(*value, ValueOf(version)) << "version " << version;
  }
  void CheckScan() {
    const uint64_t before = acknowledged_;
    const std::vector<Json> rows = Rows(Ok({"scan", "--sha256", "--json"}));
    ASSERT_EQ(rows.size(), kKeys);
    uint64_t tip = 0;
    for (const Json& row : rows) tip = std::max(tip, row["version"].get<uint64_t>());
    EXPECT_GE(tip, before);
    for (const Json& row : rows) {
      const auto version = row["version"].get<uint64_t>();
      EXPECT_EQ(row["key"], "k" + std::to_string(version % kKeys));
      EXPECT_GT(version + kKeys, tip) << "not one state";
      EXPECT_EQ(row["size"], ValueOf(version).size());
      EXPECT_EQ(row["sha256"], ToHex(Sha256Of(AsBytes(ValueOf(version)))));
    }
  }

  std::unique_ptr<Engine> engine_;
  std::atomic<uint64_t> acknowledged_ = 0;
  std::atomic<bool> stop_ = false;
  std::thread writer_;
};

TEST_F(CtlSoak, NoLookIsRefusedAndEachReadEqualsItsVersion) {
  for (uint64_t i = 0; i < Looks() && !HasFailure(); ++i) {
    CheckInfo();
    CheckStats();
    CheckGet(i % kKeys);
    CheckScan();
  }
}

TEST_F(CtlSoak, KilledReadersLeaveNothing) {
  const uint64_t kills = std::min<uint64_t>(Looks(), 100);
  for (uint64_t i = 0; i < kills && !HasFailure(); ++i) {
    CtlConversation reader({"scan", "--sha256", "--json", "--store=" + store()},
                           CtlConversation::Input::kPipe);
    const uint64_t until = acknowledged_ + i % 40;  // kills it at different moments
    while (acknowledged_ < until) std::this_thread::yield();
  }
  CheckScan();
}

}  // namespace
}  // namespace rawkv::ctl
