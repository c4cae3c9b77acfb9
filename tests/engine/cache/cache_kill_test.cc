// A process with a cache is killed with SIGKILL. What it had stored is whole, and the usage is exact.

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/engine/cache/cache_fixture.h"
#include "tests/engine/cache/kill_options.h"

namespace rawkv {
namespace {

class CacheKillTest : public CacheTest {
 protected:
  CacheKillTest() { options_ = KillOptions(tmp_.File("store")); }
};

TEST_F(CacheKillTest, KilledCacheHasWholeObjectsAndTheRightUsage) {
  Open();
  Close();
  size_t kept = 0;
  for (int life = 0; life < 4; ++life) {
    int output[2];
    ASSERT_EQ(::pipe(output), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::dup2(output[1], STDOUT_FILENO);
      ::close(output[0]);
      ::execl(RAWKV_CACHE_TO_KILL, "cache_to_kill", options_.directory.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(output[1]);
    size_t acknowledged = 0;
    for (char c = 0; acknowledged < 4 && ::read(output[0], &c, 1) == 1;) ++acknowledged;
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself";
    ::close(output[0]);
    ASSERT_GE(acknowledged, 4u);

    Open();
    for (const auto& [key, bytes] : Stored()) {
      const std::string value = Get(key);
      ASSERT_EQ(value.size(), bytes);
      ASSERT_EQ(DiffObject(key, value), "") << key;
      kept += key.starts_with("kept") ? 1 : 0;
    }
    for (size_t i = 0; i < acknowledged; ++i) EXPECT_TRUE(Has("kept" + std::to_string(i)));
    ExpectUsageOfTheStore();
    ASSERT_OK_AND_ASSIGN(const EngineInfo info, cache_->Info());
    uint64_t slots = 0;
    for (const auto& [key, bytes] : Stored()) slots += (bytes + kKillSlot - 1) / kKillSlot;
    EXPECT_EQ(info.slots.live, slots);
    ASSERT_OK(cache_->Evict(1 << 30));
    Close();
  }
  EXPECT_GE(kept, 16u);
}

}  // namespace
}  // namespace rawkv
