// A process that may open no more files: a call that needs a descriptor is refused with the reason, and the
// engine works again once the limit is lifted.

#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>

#include "tests/engine/engine_fixture.h"

namespace rawkv {
namespace {

// During its lifetime the process cannot open another file.
class NoMoreDescriptors {
 public:
  NoMoreDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int next = ::dup(STDERR_FILENO);  // the lowest free descriptor
    ::close(next);
    const rlimit none{.rlim_cur = static_cast<rlim_t>(next), .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoMoreDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

class DescriptorLimitTest : public EngineTest {
 protected:
  void SetUp() override {
    format_.runtime.wal_segment_bytes = 64 * kKiB;
    open_.memtable_bytes = 64 * kKiB;
    ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
    Put("before", "value");
  }
  CommitResult TryPut(uint64_t n) {
    WriteBatch batch;
    batch.Put("key" + std::to_string(n), std::string(1000, 'v'));
    return engine_->Commit(batch);
  }
};

TEST_F(DescriptorLimitTest, CommitThatNeedsAnotherSegmentIsNotAppliedAndTheEngineStaysHealthy) {
  uint64_t applied = 0;
  {
    const NoMoreDescriptors limit;
    CommitResult result;
    while ((result = TryPut(applied)).ok()) ASSERT_LT(++applied, 1000u);
    EXPECT_EQ(result.outcome, CommitOutcome::kNotApplied);
    EXPECT_STATUS(result, StatusCode::kIoError, "Too many open files", "ulimit -n");
    EXPECT_STATUS(TryPut(applied), StatusCode::kIoError, "ulimit -n");
    EXPECT_EQ(Get("before"), "value");
  }
  EXPECT_GT(applied, 0u);
  EXPECT_OK(TryPut(applied));
  EXPECT_EQ(Info().health, "ok");
  Reopen();
  EXPECT_TRUE(Has("key" + std::to_string(applied)));
}

TEST_F(DescriptorLimitTest, SnapshotFlushAndViewAreRefusedAndWorkAfterwards) {
  for (uint64_t n = 0; n < 20; ++n) ASSERT_OK(TryPut(n));
  {
    const NoMoreDescriptors limit;
    EXPECT_STATUS(engine_->CreateSnapshot(), StatusCode::kIoError, "ulimit -n");
    EXPECT_STATUS(engine_->OpenView(Version(3)), StatusCode::kIoError, "ulimit -n");
    EXPECT_STATUS(engine_->Pin("name"), StatusCode::kIoError, "ulimit -n");
  }
  EXPECT_EQ(Info().health, "ok");
  EXPECT_OK(engine_->CreateSnapshot());
  EXPECT_TRUE(Has("key0", Version(3)));
}

}  // namespace
}  // namespace rawkv
