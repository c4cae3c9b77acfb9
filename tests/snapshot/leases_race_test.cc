#include <gtest/gtest.h>

#include <atomic>
#include <climits>
#include <thread>

#include "base/entropy.h"
#include "base/fs_ops.h"
#include "snapshot/leases.h"
#include "tests/snapshot/fake_index.h"
#include "tests/snapshot/turn_fs.h"
#include "tests/support/expect_status.h"
#include "tests/support/fault_fs.h"
#include "tests/support/sanitized.h"
#include "tests/support/temp_dir.h"

// Readers make and remove leases while a writer lists and sweeps them (leases.cc: L1, L3).
namespace rawkv {
namespace {

bool Contains(const std::vector<LeaseInfo>& leases, const std::string& dir) {
  return std::any_of(leases.begin(), leases.end(), [&](const LeaseInfo& lease) { return lease.dir == dir; });
}

TEST(LeasesRace, HeldLeaseIsListedAndKeptInEveryInterleaving) {
  for (uint64_t seed = 1; seed <= Share(400, 100) && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    TempDir dir;
    FixedClock clock;
    Turns turns(3, seed);
    const Uuid id = Uuid::Generate(SystemEntropy());
    const std::string view = dir.File("views/" + id.ToString());
    std::atomic<bool> certainly_held = false;  // true between the return of Create and the call of Remove

    std::thread reader([&] {
      TurnFs fs(turns, 0);
      auto lease = Lease::Create(fs, clock, dir.path(), id, Version(9), Version(7));
      ASSERT_OK(lease);
      certainly_held = true;
      for (int i = 0; i < 3; ++i) EXPECT_TRUE(*Exists(fs, view + "/LEASE"));
      certainly_held = false;
      EXPECT_TRUE((*lease)->Remove().ok());
    });
    std::thread sweeper([&] {
      TurnFs fs(turns, 1);
      for (int i = 0; i < 3; ++i) {
        EXPECT_OK(SweepViews(fs, dir.path()));
      }
    });
    std::thread lister([&] {
      TurnFs fs(turns, 2);
      for (int i = 0; i < 3; ++i) {
        const bool held_before = certainly_held;
        const auto leases = ListHeldLeases(fs, dir.path());
        EXPECT_OK(leases);
        if (leases.ok() && held_before && certainly_held) {
          EXPECT_TRUE(Contains(*leases, view));
        }
      }
    });
    reader.join();
    sweeper.join();
    lister.join();
    EXPECT_TRUE(SweepViews(PosixFs(), dir.path()).ok());
    EXPECT_TRUE(PosixFs().List(dir.File("views"))->empty());
  }
}

// A writer that sweeps whenever the reader is about to lock its new LEASE.
class SweepBeforeEachLock {
 public:
  SweepBeforeEachLock(const std::string& store_dir, int sweeps) {
    fs_.Arm({.matches = [this, store_dir, sweeps](const FaultFs::Operation& operation) {
      if (operation.Is("lock") && swept_ < sweeps) {
        ++swept_;
        EXPECT_TRUE(SweepViews(PosixFs(), store_dir).ok());
      }
      return false;
    }});
  }
  Fs& fs() { return fs_; }
  int swept() const { return swept_; }

 private:
  FaultFs fs_{PosixFs()};
  int swept_ = 0;
};

TEST(LeasesRace, ManySweepsInARowOnlyDelayAReader) {
  TempDir dir;
  FixedClock clock;
  SweepBeforeEachLock race(dir.path(), 20);
  const auto lease =
      Lease::Create(race.fs(), clock, dir.path(), Uuid::Generate(SystemEntropy()), Version(9), Version(7));
  ASSERT_OK(lease);
  EXPECT_EQ(race.swept(), 20);
  EXPECT_EQ(ListHeldLeases(PosixFs(), dir.path())->size(), 1U);
}

TEST(LeasesRace, EndlessSweepsAreReportedAsBusyAndLeaveNothing) {
  TempDir dir;
  FixedClock clock;
  SweepBeforeEachLock race(dir.path(), INT_MAX);
  const auto lease =
      Lease::Create(race.fs(), clock, dir.path(), Uuid::Generate(SystemEntropy()), Version(9), Version(7));
  EXPECT_EQ(lease.status().code(), StatusCode::kBusy) << lease.status().ToString();
  EXPECT_TRUE(PosixFs().List(dir.File("views"))->empty());
}

// Uses real concurrency, for the thread sanitizer.
TEST(LeasesRace, ReadersAndSweepsRunConcurrently) {
  constexpr int kReaders = 3;
  constexpr int kRounds = 150;
  TempDir dir;
  Fs& fs = PosixFs();
  FixedClock clock;
  std::atomic<int> running = kReaders;
  std::vector<std::thread> readers;
  for (int reader = 0; reader < kReaders; ++reader) {
    readers.emplace_back([&] {
      for (int round = 0; round < kRounds; ++round) {
        const auto lease =
            Lease::Create(fs, clock, dir.path(), Uuid::Generate(SystemEntropy()), Version(9), Version(7));
        EXPECT_OK(lease);
        if (!lease.ok()) continue;
        const std::string clone = (*lease)->dir() + "/index";
        EXPECT_TRUE(WriteNew(fs, clone, "clone").ok());
        std::this_thread::yield();
        EXPECT_TRUE(*Exists(fs, clone) && *Exists(fs, (*lease)->dir() + "/LEASE"));
        if (round % 2 == 0) {
          EXPECT_TRUE((*lease)->Remove().ok());
        }
      }
      --running;
    });
  }
  while (running > 0) {
    EXPECT_OK(SweepViews(fs, dir.path()));
    EXPECT_TRUE(ListHeldLeases(fs, dir.path()).ok());
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_TRUE(SweepViews(fs, dir.path()).ok());
  EXPECT_TRUE(fs.List(dir.File("views"))->empty());
}

}  // namespace
}  // namespace rawkv
