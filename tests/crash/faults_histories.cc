#include "tests/crash/faults_histories.h"

#include <list>

#include "base/check.h"
#include "base/fs_ops.h"
#include "blockdev/superblock.h"
#include "engine/admin/repair.h"
#include "tests/support/sim/crash_plan.h"

namespace rawkv {
namespace {

using Kind = TraceEvent::Kind;

// The disks as programs see them after the first `events` of a trace.
DiskImage ImageAfter(const DiskImage& start, const Trace& trace, size_t events, Fate files = Fate::kKept,
                     uint64_t seed = 1) {
  CrashStates states(start);
  for (size_t i = 0; i < events; ++i) states.Advance(trace[i]);
  return Crash(states, {.files = files, .devices = Fate::kKept, .entries = Fate::kKept, .seed = seed});
}

// The same with the last event, a write, only partly on the disk.
DiskImage ImageWithTornWrite(const DiskImage& start, const Trace& trace, size_t events) {
  const uint64_t absent = ImageAfter(start, trace, events - 1).Hash();
  const uint64_t whole = ImageAfter(start, trace, events).Hash();
  for (uint64_t seed = 1;; ++seed) {
    DiskImage torn = ImageAfter(start, trace, events, Fate::kLastTorn, seed);
    if (torn.Hash() != absent && torn.Hash() != whole) return torn;
  }
}

// Opens the store, runs `act` and returns the trace of both. *promise becomes the promise after the open.
Trace TraceOf(const FaultStart& start, const SimConfig& config, uint64_t seed, Promise* promise,
              const std::function<Status(Engine&)>& act) {
  SimWorld world(start.image, seed);
  world.disk().Record(true);
  SimStore store(world, config, seed);
  Status status = store.Open(start.promise);
  if (status.ok()) status = act(store.engine());
  RAWKV_CHECK(status.ok(), "the start of a history can be made");
  *promise = store.promises().back();
  return world.disk().TakeTrace();
}

size_t LastWhere(const Trace& trace, const std::function<bool(const TraceEvent&)>& is) {
  size_t place = trace.size();
  while (place > 0 && !is(trace[place - 1])) --place;
  RAWKV_CHECK(place > 0, "the trace contains the start event of a history");
  return place - 1;
}

}  // namespace

FaultHistories::FaultHistories(const SimConfig& config, uint64_t seed) {
  MakeStarts(config, seed);
  using S = FaultSession;
  all_ = {
      {"format", &nothing_, [](S& s) { s.Format(); }},
      {"clean", &furnished_,
       [](S& s) {
         s.Open();
         s.CommitInline();
         s.CommitPayload();
         s.CommitMulti();
       }},
      {"closed", &furnished_,
       [](S& s) {
         s.Open();
         s.CommitPayload();
         s.Close();
       }},
      {"torn tail", &torn_,
       [](S& s) {
         s.Open();
         s.CommitInline();
       }},
      {"index lost", &no_working_,
       [](S& s) {
         s.Open();
         s.CommitPayload();
       }},
      {"group", &furnished_,
       [](S& s) {
         s.Open();
         s.CommitGroup();
         s.CommitInline();
       }},
      {"unsynced", &furnished_,
       [](S& s) {
         s.Open();
         s.CommitUnsynced();
         s.Sync();
         s.CommitUnsynced();
         s.CommitInline();
       }},
      {"session", &furnished_,
       [](S& s) {
         s.Open();
         s.CommitInSession();
         s.CommitInSession();
         s.Close();
       }},
      {"flush and rotation", &furnished_,
       [](S& s) {
         s.Open();
         s.CommitLarge();
         s.CommitLarge();
         s.CommitLarge();
         s.Snapshot();
         s.Prune();
         s.CommitInline();
       }},
      {"snapshot", &furnished_,
       [](S& s) {
         s.Open();
         s.Snapshot();
         s.CommitPayload();
         s.Snapshot();
         s.CommitMulti();
       }},
      {"prune", &furnished_,
       [](S& s) {
         s.Open();
         s.CommitPayload();
         s.Snapshot();
         s.Prune();
         s.Prune();
         s.CommitMulti();
       }},
      {"pins", &furnished_,
       [](S& s) {
         s.Open();
         s.Pin("old", Version(2));
         s.CommitPayload();
         s.Pin("new", std::nullopt);
         s.CommitPayload();
         s.CommitPayload();
         s.PinBeforeTip("between");
         s.Prune();
         s.CommitMulti();
         s.Unpin("old");
         s.Unpin("new");
         s.Unpin("between");
         s.CommitPayload();
       }},
      {"settings", &furnished_,
       [](S& s) {
         s.Open();
         s.ChangeSettings();
         s.CommitPayload();
       }},
      {"given up", &furnished_,
       [](S& s) {
         s.Open();
         s.CommitPayload();
         s.GiveUpHistory();
         s.AcknowledgeGivenUp();
         s.CommitMulti();
       }},
      {"trim", &furnished_,
       [](S& s) {
         s.Open();
         s.Trim();
         s.CommitPayload();
         s.Snapshot();
         s.Prune();
         s.Trim();
         s.CommitMulti();
       }},
      {"grow", &furnished_,
       [](S& s) {
         s.Open();
         s.CommitPayload();
         s.Grow();
         s.Grow();  // again, for what an error left
         s.CommitMulti();
       }},
      {"checkpoint", &checkpoints_,
       [](S& s) {
         s.Open();
         s.CommitPayload();
         s.Checkpoint();
         s.CommitMulti();
         s.Checkpoint();
         s.CommitPayload();
         s.Close();
       }},
      {"rollback below a checkpoint", &checkpoints_,
       [](S& s) {
         s.Open();
         s.CommitPayload();
         s.Checkpoint();
         s.Rollback(Version(3));
         s.CommitPayload();
         s.Checkpoint();
       }},
      {"deleted snapshot", &furnished_,
       [](S& s) {
         s.Open();
         s.DeleteSnapshot(Version(2));
         s.CommitPayload();
       }},
      {"views", &furnished_,
       [](S& s) {
         s.Open();
         s.ReadOld(Version(1));
         s.ReadOld(Version(1));  // from what the engine has kept
         s.ReadOld(Version(3));
         s.ReadTip();
         s.Prune();
         s.CommitInline();
       }},
      {"reader", &furnished_,
       [](S& s) {
         s.Open();
         s.OpenReadOnly();
         s.CommitPayload();
       }},
      {"rollback", &furnished_,
       [](S& s) {
         s.Open();
         s.Pin("above", Version(2));
         s.Rollback(Version(1));
         s.CommitPayload();
       }},
      {"short rollback", &furnished_,
       [](S& s) {
         s.Open();
         s.CommitPayload();
         s.Rollback(Version(4));
         s.CommitMulti();
       }},
      {"offline rollback", &furnished_, [](S& s) { s.OfflineRollback(Version(1)); }},
      {"undone rollback", &undo_,
       [](S& s) {
         s.Open();
         s.CommitInline();
       }},
      {"finished rollback", &finish_,
       [](S& s) {
         s.Open();
         s.CommitInline();
       }},
      {"STORE lost", &no_store_,
       [](S& s) {
         s.Open();
         s.CommitInline();
       }},
      {"both files lost", &no_files_,
       [](S& s) {
         s.Restore();
         s.Open();
         s.CommitInline();
       }},
      {"both superblocks lost", &no_superblocks_,
       [](S& s) {
         s.Restore();
         s.Open();
         s.CommitInline();
       }},
      {"export", &furnished_,
       [](S& s) {
         s.Open();
         s.Export(Version(4));
         s.Export(Version(1));
         s.CommitInline();
       }},
      {"import", &furnished_, [](S& s) { s.Import(); }},
      {"looks", &furnished_,
       [](S& s) {
         s.Check();
         s.InspectClosedStore();
         s.OpenReadOnly();
       }},
      {"looks at a torn tail", &torn_, [](S& s) { s.Check(); }},
  };
}

void FaultHistories::MakeStarts(const SimConfig& config, uint64_t seed) {
  {
    SimWorld world(DiskImage(), seed);
    SimStore store(world, config, seed);
    Status status = store.Format();
    if (status.ok()) status = store.MakeStartHistory();
    RAWKV_CHECK(status.ok(), "the store that histories begin with can be made");
    furnished_ = {world.disk().Image(), store.promises().back()};
  }
  {
    SimWorld world(DiskImage(), seed);
    SimConfig with_checkpoints = config;
    with_checkpoints.checkpoints = true;
    SimStore store(world, with_checkpoints, seed);
    Status status = store.Format();
    if (status.ok()) status = store.MakeStartHistory();
    RAWKV_CHECK(status.ok(), "a store with checkpoints can be made");
    checkpoints_ = {world.disk().Image(), store.promises().back()};
  }
  {
    SimWorld world(DiskImage(), seed);
    world.disk().AddDevice("/device", (config.slots + 18) * 4096);
    nothing_.image = world.disk().Image();
    nothing_.promise.reachable = {{Version(0), Version(0)}};
  }
  {
    SimWorld world(furnished_.image, seed);
    RAWKV_CHECK(RemoveTree(world.fs(), "/store/working").ok(), "a directory can be removed");
    no_working_ = {world.disk().Image(), furnished_.promise};
  }
  {
    SimWorld world(furnished_.image, seed);
    RAWKV_CHECK(world.fs().RemoveFile("/store/STORE").ok(), "STORE can be removed");
    no_store_ = {world.disk().Image(), furnished_.promise, /*damaged=*/true};
    RAWKV_CHECK(world.fs().RemoveFile("/store/STORE-COPY").ok(), "its copy can be removed");
    no_files_ = {world.disk().Image(), furnished_.promise, /*damaged=*/true};
  }
  no_superblocks_ = furnished_;
  no_superblocks_.damaged = true;
  no_superblocks_.image.devices()["/device"].Zero(0, 2 * kSuperblockBytes);
  {
    const Trace trace = TraceOf(furnished_, config, seed + 1, &torn_.promise, [](Engine& e) {
      WriteBatch batch;
      for (int i = 0; i < 4; ++i) batch.Put("torn" + std::to_string(i), std::string(900, 'x'));
      return e.Commit(batch).status;
    });
    const size_t record = LastWhere(trace, [](const TraceEvent& e) {
      return e.kind == Kind::kWrite && e.path.ends_with(".log") && e.bytes.size() > 2000;
    });
    torn_.image = ImageWithTornWrite(furnished_.image, trace, record + 1);
  }
  {
    const Trace trace = TraceOf(furnished_, config, seed + 2, &undo_.promise,
                                [](Engine& e) { return e.Rollback(Version(1)); });
    const size_t marked = LastWhere(
        trace, [](const TraceEvent& e) { return e.kind == Kind::kRename && e.to_name == "ROLLBACK"; });
    const size_t switched = LastWhere(Trace(trace.begin(), trace.end()), [&](const TraceEvent& e) {
      return e.kind == Kind::kRename && e.to_name == "BASE";
    });
    size_t place = switched;
    while (!(trace[place].kind == Kind::kRename && trace[place].to_name == "STORE")) ++place;
    RAWKV_CHECK(marked < place, "the marker comes before the switch");
    undo_.image = ImageAfter(furnished_.image, trace, place);
    finish_.image = ImageAfter(furnished_.image, trace, place + 1);
    finish_.promise = undo_.promise;
    finish_.promise.model.RollBackTo(Version(1));
    finish_.promise.durable = Version(1);
    finish_.promise.reachable = {{Version(1), Version(1)}};
  }
}

}  // namespace rawkv
