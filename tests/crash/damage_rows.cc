#include "tests/crash/damage_rows.h"

#include <filesystem>

#include "base/fs_ops.h"
#include "engine/index/key_index.h"

namespace rawkv {
namespace {

namespace fs = std::filesystem;

// Changes bits of the first allocation page of an index, and adds the result of `fn` to the taken slots of
// the meta record.
void ChangePage(KeyIndex& index, const std::function<int(AllocationPage&)>& fn) {
  Result<AllocationPage> page = index.Page(0);
  Result<MetaRecord> meta = index.Meta();
  ASSERT_TRUE(page.ok() && meta.ok());
  meta->taken_slots += fn(*page);
  const std::unique_ptr<IndexBatch> batch = index.NewBatch();
  batch->PutPage(0, *page);
  batch->PutMeta(*meta);
  ASSERT_TRUE(index.Apply(*batch).ok());
}

void MarkALiveSlotFree(KeyIndex& index) {
  ChangePage(index, [](AllocationPage& page) {
    for (size_t w = 0; w < page.live.size(); ++w) {
      if (page.live[w] == 0) continue;
      const uint64_t bit = page.live[w] & ~(page.live[w] - 1);
      page.live[w] &= ~bit;
      page.taken[w] &= ~bit;
      return -1;
    }
    return 0;
  });
}

void GiveASlotToTwoKeys(KeyIndex& index) {
  const Result<std::optional<IndexEntry>> one = index.Get("payload1");
  ASSERT_TRUE(one.ok() && one->has_value());
  const std::unique_ptr<IndexBatch> batch = index.NewBatch();
  batch->PutEntry("payload2", **one);
  ASSERT_TRUE(index.Apply(*batch).ok());
}

}  // namespace

Ranges Of(std::initializer_list<std::pair<uint64_t, uint64_t>> ranges) {
  Ranges out;
  for (const auto& [a, b] : ranges) out.emplace_back(Version(a), Version(b));
  return out;
}

void DamageRows::Leak(KeyIndex& index) {
  ChangePage(index, [](AllocationPage& page) {
    page.taken[900 / 64] |= uint64_t{7} << 900 % 64;
    return 3;
  });
}

CheckReport DamageRows::Check(const std::string& dir) {
  Result<CheckReport> report = CheckStore(dir, {.deep = true}, Quiet());
  EXPECT_OK(report);
  return report.ok() ? *std::move(report) : CheckReport{};
}
RepairPlan DamageRows::Plan(const std::string& dir) {
  CheckReport found;
  Result<RepairPlan> plan = PlanRepair(dir, {}, Quiet(), &found);
  EXPECT_OK(plan);
  return plan.ok() ? *std::move(plan) : RepairPlan{};
}
Result<RepairReport> DamageRows::Repair(const std::string& dir, std::optional<Ranges> may_give_up,
                                        Fs& filesystem) {
  return RepairStore(dir, {.deep = true, .may_give_up = std::move(may_give_up)}, Quiet(filesystem));
}
std::string DamageRows::Text(const CheckReport& report) {
  std::string text;
  for (const Finding& f : report.findings) text += f.kind + " " + f.where + ": " + f.message + "\n";
  for (const std::string& n : report.notes) text += "note: " + n + "\n";
  return text;
}
std::set<std::string> DamageRows::Kinds(const CheckReport& report) {
  std::set<std::string> kinds;
  for (const Finding& f : report.findings) kinds.insert(f.kind);
  return kinds;
}

std::vector<Row> DamageRows::SmallFiles() {
  return {
      {"StoreDamaged", [](const std::string& d) { FlipByte(d + "/STORE", 60); }, {"store"}, {"store"}},
      {"StoreCopyMissing", [](const std::string& d) { fs::remove(d + "/STORE-COPY"); }, {"store"}, {"store"}},
      {"SuperblockCopyA",
       [](const std::string& d) { FlipByte(d + "/device.img", 100); },
       {"superblock"},
       {"superblock"}},
      {"SuperblockCopyB",
       [](const std::string& d) { FlipByte(d + "/device.img", 4196); },
       {"superblock"},
       {"superblock"}},
      {"Pins",
       [](const std::string& d) {
         {
           const auto engine = Engine::Open(d, Quiet());
           ASSERT_TRUE(engine.ok() && (*engine)->Pin("mine", Version(5)).ok());
         }
         FlipByte(d + "/PINS", 40);
       },
       {"pins"},
       {"pins"},
       12,
       {},
       {"PINS.damaged"}},
      {"RollbackMarker",
       [](const std::string& d) {
         ASSERT_TRUE(WriteFileAtomic(PosixFs(), d + "/ROLLBACK", AsBytes("nonsense")).ok());
       },
       {"store"},
       {"marker"},
       12,
       {},
       {"ROLLBACK.damaged"}},
      {"CurrentIsMissing", [](const std::string& d) { fs::remove(d + "/current"); }, {}, {"current"}},
      {"CurrentDangles",
       [](const std::string& d) {
         fs::remove(d + "/current");
         fs::create_symlink("snapshot-00000000000000000077", d + "/current");
       },
       {},
       {"current"}},
  };
}

std::vector<Row> DamageRows::Indexes() {
  const auto in_working = [](void (*change)(KeyIndex&)) {
    return [change](const std::string& d) { ChangeIndex(d + "/working/index", change); };
  };
  return {
      {"WorkingTable",
       [](const std::string& d) { FlipUnshared(FilesIn(d + "/working/index", ".sst").back(), 100); },
       {"index"},
       {"working"}},
      {"WorkingManifest",
       [](const std::string& d) {
         for (const auto& entry : fs::directory_iterator(d + "/working/index")) {
           if (entry.path().filename().string().starts_with("MANIFEST")) FlipByte(entry.path(), 20);
         }
       },
       {},
       {}},
      {"WorkingBase", [](const std::string& d) { FlipByte(d + "/working/BASE", 30); }, {}, {}},
      {"WorkingMissing", [](const std::string& d) { fs::remove_all(d + "/working"); }, {}, {}},
      {"LeakedSlots", in_working(Leak), {"slots"}, {"slots", "snapshot"}},
      {"LeakedSlotsInASnapshot",
       [](const std::string& d) {
         ChangeIndex(d + "/working/index", Leak);
         const auto engine = Engine::Open(d, Quiet());
         ASSERT_TRUE(engine.ok() && (*engine)->CreateSnapshot().ok());
       },
       {"slots"},
       {"slots"},
       12,
       {},
       {},
       Of({{0, 4}})},  // retention removed the snapshot at 0 when the one at 12 was made
      {"LiveSlotMarkedFree", in_working(MarkALiveSlotFree), {"slots"}, {"slots", "snapshot"}},
      {"SlotOfTwoKeys", in_working(GiveASlotToTwoKeys), {"slots"}, {"slots", "snapshot"}},
  };
}

std::vector<Row> DamageRows::Snapshots() {
  const auto flip_manifest = [](std::vector<uint64_t> versions) {
    return [versions](const std::string& d) {
      for (const uint64_t v : versions) FlipByte(SnapshotDir(d, v) + "/MANIFEST", 60);
    };
  };
  const std::string five = "snapshot-00000000000000000005.damaged";
  const std::string nine = "snapshot-00000000000000000009.damaged";
  return {
      {"SnapshotManifest", flip_manifest({5}), {"snapshot"}, {"quarantine"}, 12, {}, {five}},
      {"CurrentSnapshotManifest",
       flip_manifest({9}),
       {"snapshot"},
       {"current", "quarantine"},
       12,
       {},
       {nine}},
      {"CurrentSnapshotTable",
       [](const std::string& d) { FlipUnshared(FilesIn(SnapshotDir(d, 9) + "/index", ".sst").back(), 100); },
       {"snapshot"},
       {"current", "quarantine"},
       12,
       {},
       {nine}},
      {"SnapshotTableMissing",
       [](const std::string& d) { fs::remove(FilesIn(SnapshotDir(d, 5) + "/index", ".sst").front()); },
       {"snapshot"},
       {"quarantine"},
       12,
       {},
       {five}},
      {"OldestSnapshot", flip_manifest({0}), {"snapshot"}, {"quarantine"}, 12, Of({{0, 4}})},
      {"PinnedOldestSnapshot",
       [](const std::string& d) {
         {
           const auto engine = Engine::Open(d, Quiet());
           ASSERT_TRUE(engine.ok() && (*engine)->Pin("mine", Version(0)).ok());
         }
         FlipByte(SnapshotDir(d, 0) + "/MANIFEST", 60);
       },
       {"snapshot"},
       {"quarantine", "unpin"},
       12,
       Of({{0, 0}}),
       {},
       Of({{1, 4}})},  // nothing is rebuilt from a pinned snapshot
      {"TableSharedByHardLinks",
       // The newest table, because a compaction may rewrite the oldest soon.
       [](const std::string& d) { FlipByte(FilesIn(SnapshotDir(d, 5) + "/index", ".sst").back(), 100); },
       {"snapshot", "index"},
       {"working", "current", "quarantine"},
       12,
       {},
       {five, nine}},
      {"EverySnapshot",
       flip_manifest({0, 5, 9}),
       {"snapshot"},
       {"working", "snapshot", "quarantine"},
       12,
       Of({{0, 11}}),
       {five, nine}},
      {"EverySnapshotAndCurrentAtTheTip",
       [](const std::string& d) {
         {
           const auto engine = Engine::Open(d, Quiet());
           ASSERT_TRUE(engine.ok() && (*engine)->CreateSnapshot().ok());
         }
         for (const uint64_t v : {5, 9, 12}) FlipByte(SnapshotDir(d, v) + "/MANIFEST", 60);
       },
       {"snapshot"},
       {"working", "snapshot", "quarantine"},
       12,
       Of({{5, 11}}),
       {},
       Of({{0, 4}})},
  };
}

std::vector<Row> DamageRows::Logs() {
  const auto flip_records = [](std::vector<uint64_t> versions) {
    return [versions](const std::string& d) {
      for (const uint64_t v : versions) FlipRecord(d, v);
    };
  };
  const Ranges between_snapshots = Of({{1, 4}, {6, 8}});
  const std::vector<std::string> aside = {"wal.damaged"};
  return {
      {"RecordAboveEverySnapshot", flip_records({11}), {"log"}, {"rollback"}, 10, Of({{11, 12}}), aside},
      {"RecordBelowCurrent", flip_records({7}), {"log"}, {"pin", "log"}, 12, between_snapshots, aside},
      {"RecordBesideNeededOnes",
       flip_records({9}),
       {"log"},
       {"working", "snapshot", "pin", "log"},
       12,
       Of({{1, 4}, {6, 8}, {10, 11}}),
       aside},
      {"RecordsAtBothEnds",
       flip_records({3, 11}),
       {"log"},
       {"working", "snapshot", "pin", "log"},
       10,
       Of({{1, 4}, {6, 8}, {11, 12}}),
       aside},
      {"HeaderOfAnOldSegment",
       [](const std::string& d) { FlipByte(Segment(d, 5), 9); },
       {"log"},
       {"pin", "log"},
       12,
       between_snapshots,
       aside},
      {"HeaderOfTheLastSegment",
       [](const std::string& d) { FlipByte(Segment(d, 11), 9); },
       {"log"},
       {"working", "snapshot", "pin", "log"},
       12,
       Of({{1, 4}, {6, 8}, {10, 11}}),
       aside},
      {"SegmentMissing",
       [](const std::string& d) { fs::remove(Segment(d, 7)); },
       {"log"},
       {"pin", "log"},
       12,
       between_snapshots,
       aside},
      {"SnapshotAboveTheLog",
       [](const std::string& d) { LoseLogFrom(d, 8); },
       {"log"},
       {"working", "pin", "log"},
       9,
       Of({{1, 4}, {6, 8}, {10, 12}}),
       aside},
      {"WorkingIndexAboveTheLog",
       [](const std::string& d) {
         fs::remove(d + "/current");
         fs::create_symlink("snapshot-00000000000000000005", d + "/current");
         fs::remove_all(SnapshotDir(d, 9));
         LoseLogFrom(d, 8);
       },
       {"log"},
       {"working", "snapshot", "pin", "log"},
       9,
       Of({{1, 4}, {6, 8}, {10, 12}}),
       aside},
      {"LastSegmentMissing",
       [](const std::string& d) { fs::remove(Segment(d, 11)); },
       {"log"},
       {"rollback"},
       10,
       Of({{11, 12}})},
      {"LogMissing",
       [](const std::string& d) {
         for (const std::string& path : FilesIn(d + "/wal", ".log")) fs::remove(path);
       },
       {"log"},
       {"working", "pin", "log"},
       9,
       Of({{1, 4}, {6, 8}, {10, 12}}),
       {}},
      {"LogDirectoryMissing",
       [](const std::string& d) { fs::remove_all(d + "/wal"); },
       {"log"},
       {"working", "pin", "log"},
       9,
       Of({{1, 4}, {6, 8}, {10, 12}}),
       {}},
      {"TornTail",
       [](const std::string& d) { FlipByte(Segment(d, 11), fs::file_size(Segment(d, 11)) - 10); },
       {},
       {}},
  };
}

}  // namespace rawkv
