// Damaged bytes: flipped bits, acknowledged writes that were lost, writes that went to another place, and
// reads that return old content. No wrong byte is ever returned, and every loss is reported (docs/testing.md,
// "Faults"). RAWKV_FAULTS=all tries more places.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include "blockdev/superblock.h"
#include "tests/crash/damage_judge.h"
#include "tests/support/device_seam.h"
#include "tests/support/expect_status.h"
#include "tests/support/faults/fault_plane.h"
#include "tests/support/sanitized.h"
#include "tests/support/sim/crash_plan.h"
#include "tests/support/sim/crash_states.h"
#include "tests/support/sim/sim_device.h"

namespace rawkv {
namespace {

using Kind = TraceEvent::Kind;

bool Everything() {
  const char* const value = std::getenv("RAWKV_FAULTS");
  return value != nullptr && std::string(value) == "all";
}

// The disks of a store with some history, closed or killed, and the trace of its history.
struct PreparedStore {
  DiskImage start;
  Trace trace;
  DiskImage end;
  Promise truth;
};

PreparedStore PrepareStore(const SimConfig& config, uint64_t seed, bool close) {
  PreparedStore made;
  Promise promise;
  {
    SimWorld world(DiskImage(), seed);
    SimStore store(world, config, seed);
    EXPECT_TRUE(store.Format().ok());
    EXPECT_TRUE(store.MakeStartHistory().ok());
    promise = store.promises().back();
    made.start = world.disk().Image();
  }
  SimWorld world(made.start, seed + 1);
  world.disk().Record(true);
  SimStore store(world, config, seed + 1);
  EXPECT_TRUE(store.Open(promise).ok());
  EXPECT_TRUE(store.engine().Pin("held", Version(2)).ok());
  for (const SimOp op :
       {SimOp::kCommitPayload, SimOp::kOverwrite, SimOp::kFlush, SimOp::kSnapshot, SimOp::kPrune,
        SimOp::kMultiKey, SimOp::kOverwrite, SimOp::kExport, SimOp::kCommitInline, SimOp::kCommitPayload}) {
    EXPECT_OK(store.Run(op));
  }
  made.truth = store.promises().back();
  if (close) {
    EXPECT_TRUE(store.Close().ok());
  }
  made.trace = world.disk().TakeTrace();
  made.end = world.disk().Image();
  return made;
}

class DamageTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override { made_ = PrepareStore(config_, seed_, /*close=*/GetParam()); }
  void TearDown() override {
    for (const auto& [what, outcomes] : outcomes_) {
      std::printf("%-40s", what.c_str());
      for (const auto& [told, count] : outcomes) {
        std::printf(" %s: %llu;", told.c_str(), static_cast<unsigned long long>(count));
      }
      std::printf("\n");
    }
  }

  void Judge(DiskImage image, bool may_lose_last_record, const std::string& what,
             const std::string& exactly) {
    const DamageCase damage{std::move(image), &made_.truth, may_lose_last_record, what == "superblock"};
    const DamageVerdict verdict = JudgeDamage(damage, config_, rng_.Next());
    ++outcomes_[what][verdict.outcome];
    if (!verdict.problem.empty() && ++problems_ <= 20) ADD_FAILURE() << exactly << ": " << verdict.problem;
  }

  // Whether the place is in the last record of the log and nothing after it shows that it was durable. In a
  // closed store the watermark after the record shows that.
  bool IsLastRecord(const std::string& path, uint64_t offset, uint64_t length) const {
    if (GetParam() || !path.ends_with(".log")) return false;
    for (size_t i = made_.trace.size(); i-- > 0;) {
      const TraceEvent& e = made_.trace[i];
      if (e.kind != Kind::kWrite || !e.path.ends_with(".log")) continue;
      return e.path == path && offset < e.offset + e.bytes.size() && e.offset < offset + length;
    }
    return false;
  }

  // Replays the trace. `change` may change each event, or return false to leave it out.
  DiskImage Replay(const std::function<bool(size_t, TraceEvent*)>& change) const {
    CrashStates states(made_.start);
    for (size_t i = 0; i < made_.trace.size(); ++i) {
      TraceEvent event = made_.trace[i];
      if (change(i, &event)) states.Advance(event);
    }
    return Crash(states, {.files = Fate::kKept, .devices = Fate::kKept, .entries = Fate::kKept});
  }
  // Places of the trace where content is written.
  std::vector<size_t> Writes() const {
    std::vector<size_t> out;
    for (size_t i = 0; i < made_.trace.size(); ++i) {
      const TraceEvent& e = made_.trace[i];
      const bool content = e.kind == Kind::kWrite || e.kind == Kind::kDeviceWrite;
      if (content && KindOf(e) != "LOCK" && KindOf(e) != "reserve") out.push_back(i);
    }
    return out;
  }
  static std::string KindOf(const TraceEvent& e) {
    return e.kind == Kind::kDeviceWrite ? KindOfDeviceRegion(e.offset) : KindOfPath(e.path);
  }
  bool Skip() { return !Everything() && !rng_.OneIn(kSanitized ? 10 : 2); }

  // Few slots, so that freed ones are reused soon.
  const SimConfig config_{.slots = 28};
  const uint64_t seed_ = TestSeed(1);
  Rng rng_{seed_};
  PreparedStore made_;
  std::map<std::string, std::map<std::string, uint64_t>> outcomes_;
  uint64_t problems_ = 0;
};

void ForEachFile(const DiskImage& image, InodeId dir, const std::string& path,
                 const std::function<void(const std::string&, InodeId)>& fn) {
  for (const auto& [name, id] : image.Get(dir).entries) {
    const std::string at = path + "/" + name;
    if (image.Get(id).kind == FileKind::kDirectory) {
      ForEachFile(image, id, at, fn);
    } else {
      fn(at, id);
    }
  }
}

// Picks an offset whose byte is probably not zero: most of a file is room that nothing has been written to.
uint64_t PickOffset(const PagedBytes& data, Rng& rng) {
  uint64_t offset = 0;
  for (int tries = 0; tries < 200; ++tries) {
    offset = rng.Below(data.size());
    if (!data.IsZero(offset, 1)) break;
  }
  return offset;
}

void Flip(PagedBytes* data, uint64_t offset, Rng& rng) {
  std::byte byte{};
  data->Read(offset, {&byte, 1});
  byte ^= std::byte{1} << rng.Below(8);
  data->Write(offset, {&byte, 1});
}

TEST_P(DamageTest, FlippedBitIsNeverReturned) {
  const uint64_t places = Everything() ? 400 : 8;
  ForEachFile(made_.end, DiskImage::kRoot, "", [&](const std::string& path, InodeId id) {
    if (made_.end.Get(id).kind != FileKind::kRegular || made_.end.Get(id).data.size() == 0) return;
    for (uint64_t n = 0; n < places; ++n) {
      if (Skip()) continue;
      DiskImage image = made_.end;
      PagedBytes& data = image.Own(id).data;
      const uint64_t offset = PickOffset(data, rng_);
      Flip(&data, offset, rng_);
      Judge(std::move(image), IsLastRecord(path, offset, 1), KindOfPath(path),
            path + " at offset " + std::to_string(offset));
    }
  });
  for (uint64_t n = 0; n < 10 * places; ++n) {
    if (Skip()) continue;
    DiskImage image = made_.end;
    PagedBytes& data = image.devices()["/device"];
    // Every fourth offset lies in the superblocks.
    const uint64_t offset = n % 4 == 0 ? rng_.Below(2 * 4096) : PickOffset(data, rng_);
    Flip(&data, offset, rng_);
    // Open checks the payload of a record that nothing shows to have been durable, and cuts the record if the
    // payload is damaged.
    Judge(std::move(image), !GetParam(), KindOfDeviceRegion(offset), "device at " + std::to_string(offset));
  }
}

// Either copy may be lost: each holds the current numbers.
TEST_P(DamageTest, LossOfOneSuperblockCopyIsHarmless) {
  for (const uint64_t offset : {uint64_t{0}, kSuperblockBytes}) {
    DiskImage image = made_.end;
    PagedBytes& device = image.devices()["/device"];
    std::array<std::byte, kSuperblockBytes> copy{};
    device.Read(offset, copy);
    const Result<Superblock> superblock = DecodeSuperblock(copy);
    ASSERT_TRUE(superblock.ok());
    EXPECT_GT(superblock->owner_reuse_floor, 0u) << "copy at " << offset;
    device.Zero(offset, kSuperblockBytes);
    Judge(std::move(image), false, "superblock", "the superblock at " + std::to_string(offset));
  }
}

TEST_P(DamageTest, MissingFileIsDetected) {
  ForEachFile(made_.end, DiskImage::kRoot, "", [&](const std::string& path, InodeId) {
    if (Skip()) return;
    DiskImage image = made_.end;
    ASSERT_OK_AND_ASSIGN(const DiskImage::Place place, image.PlaceOf(path));
    image.Own(place.dir).entries.erase(place.name);
    Judge(std::move(image), false, KindOfPath(path), path + " removed");
  });
}

TEST_P(DamageTest, LostWriteIsDetectedIfLaterWritesShowIt) {
  for (const size_t lost : Writes()) {
    if (Skip()) continue;
    const TraceEvent& e = made_.trace[lost];
    const bool payload = e.kind == Kind::kDeviceWrite && !GetParam();
    Judge(Replay([&](size_t i, TraceEvent*) { return i != lost; }),
          payload || IsLastRecord(e.path, e.offset, e.bytes.size()), KindOf(e), "lost: " + Describe(e));
  }
}

TEST_P(DamageTest, MisdirectedWriteIsNeverReturned) {
  for (const size_t astray : Writes()) {
    if (Skip()) continue;
    const TraceEvent& e = made_.trace[astray];
    const bool device = e.kind == Kind::kDeviceWrite;
    const uint64_t to =
        device ? (rng_.Below(config_.slots + 18)) * 4096 : e.offset + 4096 * rng_.Between(1, 3);
    if (device && to + e.bytes.size() > (config_.slots + 18) * 4096) continue;
    Judge(Replay([&](size_t i, TraceEvent* event) {
            if (i == astray) event->offset = to;
            return true;
          }),
          (device && !GetParam()) || IsLastRecord(e.path, e.offset, e.bytes.size()),
          KindOf(e) + " (elsewhere)", "to " + std::to_string(to) + " instead: " + Describe(e));
  }
}

INSTANTIATE_TEST_SUITE_P(Stores, DamageTest, testing::Values(true, false),
                         [](const auto& tested) { return tested.param ? "closed" : "killed"; });

TEST(StaleReadTest, OldContentOfASlotIsNeverReturned) {
  const SimConfig config{.slots = 28};
  const PreparedStore made = PrepareStore(config, 5, /*close=*/true);
  SimWorld world(made.end, 6);
  const PagedBytes before = made.end.devices().at("/device");
  bool stale = false;  // whether reads get the content of the device before the store was opened
  OpenOptions options = SimStore::Options(world.env(), config);
  const auto open = options.env.open_device;
  options.env.open_device = [&](const std::string& path, const DeviceOpenOptions& o) -> Result<OpenedDevice> {
    RAWKV_ASSIGN_OR_RETURN(OpenedDevice opened, open(path, o));
    opened.device = std::make_unique<DeviceSeam>(std::move(opened.device),
                                                 [&](const IoRequest& r) -> std::optional<Status> {
                                                   if (r.kind != IoKind::kRead || !stale) return std::nullopt;
                                                   before.Read(r.offset.value(), r.buffer);
                                                   return Status::Ok();
                                                 });
    return opened;
  };
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<Engine> engine, Engine::Open(SimStore::kDir, options));
  // The rounds reuse the same slots. Their old content has a valid checksum, but of another write.
  uint64_t stale_reads = 0;
  for (int round = 0; round < 20; ++round) {
    WriteBatch batch;
    const std::string value(20'000, static_cast<char>('a' + round));
    batch.Put("again", value);
    ASSERT_TRUE(engine->Commit(batch).ok());
    ASSERT_TRUE(engine->CreateSnapshot().ok());
    ASSERT_TRUE(engine->Prune(0).ok());
    stale = true;
    const Result<Value> read = engine->Get("again");
    if (read.ok()) {
      EXPECT_EQ(read->bytes, value);
    } else {
      EXPECT_STATUS(read, StatusCode::kCorruption, "again");
      ++stale_reads;
    }
    stale = false;
    ASSERT_OK_AND_ASSIGN(const Value fresh, engine->Get("again"));
    EXPECT_EQ(fresh.bytes, value);
  }
  EXPECT_GT(stale_reads, 0u);
  EXPECT_TRUE(engine->Close().ok());
}

}  // namespace
}  // namespace rawkv
