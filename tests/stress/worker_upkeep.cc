#include <string>

#include "tests/stress/worker.h"

namespace rawkv::stress {

using Call = CallBoard::Call;

void Worker::Maintain() {
  const StressOptions& o = world_.options;
  Pause(rng_.OneIn(4) ? 60 : 10);
  const uint64_t choice = rng_.Below(10);
  if (choice < 5) return SnapshotOrPin(choice);
  Engine& engine = *world_.engine;
  if (choice == 5 && o.Has("prune")) {
    const Call call(world_.board, number_, "Prune");
    (void)world_.Expect(
        "prune", engine.Prune(rng_.OneIn(3) ? std::nullopt : std::optional<uint64_t>(rng_.Below(3))).status(),
        {});
  } else if (choice == 6 && o.Has("retention")) {
    constexpr std::array<uint64_t, 4> kIntervals = {0, 50, 200, 1000};
    const Call call(world_.board, number_, "ChangeSettings");
    (void)world_.Expect("change_settings",
                        engine
                            .ChangeSettings({.snapshot_interval = kIntervals[rng_.Below(4)],
                                             .snapshot_log_bytes = rng_.Below(3) << 18,
                                             .keep_recent = rng_.Below(4),
                                             .keep_for_seconds = rng_.Below(3),
                                             .keep_tiers = KeepTiers(rng_.Below(2), {2, 10}),
                                             .history_bytes_max = rng_.Below(3) << 22})
                            .status(),
                        {});
  } else if (choice == 7 && o.Has("snapshot")) {
    const Version version = SomeVersion();
    const Call call(world_.board, number_, "DeleteSnapshot", version.value());
    const Result<EngineInfo> info = engine.Info();
    if (!world_.Expect("info", info.status(), {})) return;
    const Version chosen = info->snapshots.empty() || rng_.OneIn(4)
                               ? version
                               : info->snapshots[rng_.Below(info->snapshots.size())].version;
    (void)world_.Expect("delete_snapshot", engine.DeleteSnapshot(chosen), {StatusCode::kFailedPrecondition});
  } else if (choice == 8 && o.Has("grow") && rng_.OneIn(3)) {
    GrowDevice();
  } else if (choice == 8 && o.Has("checkpoint") && rng_.OneIn(2)) {
    const Call call(world_.board, number_, "WriteCheckpoint");
    // A store without a region; a rollback; an index that outgrew the region.
    (void)world_.Expect("checkpoint", engine.WriteCheckpoint().status(),
                        {StatusCode::kFailedPrecondition, StatusCode::kBusy, StatusCode::kNoSpace});
  } else if (choice == 8 && o.Has("trim")) {
    const Call call(world_.board, number_, "TrimDevice");
    (void)world_.Expect("trim", engine.TrimDevice().status(), {StatusCode::kNotSupported});
  } else if (o.Has("sync")) {
    const Call call(world_.board, number_, "Sync");
    const History::Calm calm = world_.history.TakeCalm();
    const Version before = engine.version();
    const Status synced = engine.Sync();
    const Version durable = engine.durable_version();
    if (world_.Expect("sync", synced, {}) && durable < before && world_.history.CalmSince(calm)) {
      world_.Violation("Sync() after version " + ToString(before) + " left durable_version() at " +
                       ToString(durable));
    }
  }
}

// A device file becomes larger by at most 1 MiB, up to twice its first size, so that the store stays small
// enough to run out of slots. A growth to the present size changes nothing.
void Worker::GrowDevice() {
  const bool file = world_.format.device.empty();
  const Call call(world_.board, number_, "GrowDevice");
  GrowOptions options;
  if (file) {
    const Result<EngineInfo> info = world_.engine->Info();
    if (!world_.Expect("info", info.status(), {})) return;
    const uint64_t next = info->capacity_bytes + 4096 * rng_.Below(257);
    options.capacity_bytes = std::min(next, 2 * world_.format.capacity_bytes);
  }
  const Result<GrowReport> grown = world_.engine->GrowDevice(options);
  // Another thread may have made it larger meanwhile.
  if (!world_.Expect("grow", grown.status(), {StatusCode::kInvalidArgument})) return;
  if (grown->slots < grown->slots_before) world_.Violation("GrowDevice took slots away");
  uint64_t most = world_.most_slots.load();
  while (most < grown->slots && !world_.most_slots.compare_exchange_weak(most, grown->slots)) {
  }
}

void Worker::SnapshotOrPin(uint64_t choice) {
  const StressOptions& o = world_.options;
  Engine& engine = *world_.engine;
  const std::string name = "pin-" + std::to_string(rng_.Below(3));
  if (choice < 2 && o.Has("snapshot")) {
    const History::Calm calm = world_.history.TakeCalm();
    const Version before = engine.version();
    const Call call(world_.board, number_, "CreateSnapshot");
    const Result<Version> made = engine.CreateSnapshot();
    const Version tip = world_.TipNow();
    if (!world_.Expect("snapshot", made.status(), {}) || !world_.history.CalmSince(calm)) return;
    if (*made < before || *made > tip) {
      world_.Violation("a snapshot between versions " + ToString(before) + " and " + ToString(tip) +
                       " contains version " + ToString(*made));
    }
  } else if (choice == 2 && o.Has("pin")) {
    const Call call(world_.board, number_, "Pin");
    const std::optional<Version> version =
        rng_.OneIn(2) ? std::nullopt : std::optional<Version>(SomeVersion());
    (void)world_.Expect("pin", engine.Pin(name, version).status(),
                        {StatusCode::kFailedPrecondition, StatusCode::kVersionUnreachable});
  } else if (o.Has("pin")) {
    const Call call(world_.board, number_, "Unpin");
    (void)world_.Expect("unpin", engine.Unpin(name), {StatusCode::kFailedPrecondition});
  }
}

void Worker::RollBack() RAWKV_NO_THREAD_SAFETY_ANALYSIS {
  const World::Mood mood = world_.mood();
  if (!world_.options.Has("rollback") || mood == World::Mood::kNoRollbacks) return Pause(40);
  Pause(mood == World::Mood::kFewViews ? 8 : 60);
  const Version target = SomeVersion();
  const RollbackOptions options{.drop_pins = !rng_.OneIn(3)};
  if (world_.options.Has("plan") && rng_.OneIn(4)) {
    const Call call(world_.board, number_, "PlanRollback", target.value());
    (void)world_.Expect("plan_rollback", world_.engine->PlanRollback(target, options).status(),
                        {StatusCode::kVersionUnreachable});
  }
  const bool alone = !world_.options.Has("rollback_overlap");
  if (alone) world_.one_rollback().Lock();
  const uint64_t ticket = world_.history.BeginRollback(target);
  const Status status = [&] {
    const Call call(world_.board, number_, "Rollback", target.value());
    return world_.engine->Rollback(target, options);
  }();
  const std::string wrong = world_.history.EndRollback(ticket, status.ok());
  if (alone) world_.one_rollback().Unlock();
  if (!wrong.empty()) world_.Violation(wrong);
  const bool done =
      world_.Expect("rollback", status, {StatusCode::kFailedPrecondition, StatusCode::kVersionUnreachable},
                    "to version " + ToString(target));
  if (!done) return;
  ++world_.rolled_back;
  world_.Settle(number_, true);
}

void Worker::Watch() {
  Pause(20);
  {
    const Version version = SomeVersion();
    const Call call(world_.board, number_, "EstimateView", version.value());
    (void)world_.Expect("estimate_view", world_.engine->EstimateView(version).status(),
                        {StatusCode::kVersionUnreachable});
  }
  if (world_.options.Has("scrub") && rng_.OneIn(2)) return Scrub();
  if (world_.options.Has("info")) CheckInfo();
  ReadHistory();
  ReadDifferences();
}

void Worker::ReadHistory() {
  const Call call(world_.board, number_, "ReadHistory");
  std::optional<Version> above;
  const Status status = world_.engine->ReadHistory({.limit = 30}, [&](const HistoryEntry& entry) {
    if (above && entry.commit.version >= *above) world_.Violation("ReadHistory is not in order");
    above = entry.commit.version;
    return Status::Ok();
  });
  world_.Expect("read_history", status, {});
}

// What changed up to the tip must have been written after the older version.
void Worker::ReadDifferences() {
  const Call call(world_.board, number_, "Diff");
  const Version to = world_.engine->version();
  const Version from(to.value() - std::min<uint64_t>(to.value(), rng_.Below(20)));
  std::optional<std::string> before;
  const Status status = world_.engine->Diff({.from = from, .to = to}, [&](const KeyDifference& d) {
    if (before && d.key <= *before) world_.Violation("Diff is not in order");
    if (d.to && d.to->written_by <= from) world_.Violation("Diff reports a key that did not change");
    before = d.key;
    return Status::Ok();
  });
  world_.Expect("diff", status, {StatusCode::kVersionUnreachable});
}

void Worker::CheckInfo() {
  const Call call(world_.board, number_, "Info");
  const History::Calm calm = world_.history.TakeCalm();
  const Version before = world_.engine->version();
  const uint64_t slots_before = world_.most_slots.load();
  const Result<EngineInfo> info = world_.engine->Info();
  const Version tip = world_.TipNow();
  if (!world_.Expect("info", info.status(), {})) return;
  const SlotUse& s = info->slots;
  if (s.total < slots_before) {
    world_.Violation("Info: the store has " + std::to_string(s.total) + " slots, and had grown to " +
                     std::to_string(slots_before));
  }
  if (s.live + s.pinned + s.reclaimable + s.reserved + s.free != s.total) {
    world_.Violation("Info: the slots do not add up: live " + std::to_string(s.live) + ", pinned " +
                     std::to_string(s.pinned) + ", reclaimable " + std::to_string(s.reclaimable) +
                     ", reserved " + std::to_string(s.reserved) + ", free " + std::to_string(s.free) +
                     ", total " + std::to_string(s.total));
  }
  if (info->health != "ok") world_.Violation("Info: health is " + info->health);
  if (info->reachable.empty()) return world_.Violation("Info: nothing is reachable");
  if (info->durable_version > info->version) world_.Violation("Info: durable_version is above version");
  world_.oldest = info->reachable.back().first.value();
  if (world_.history.CalmSince(calm) && (info->version < before || info->version > tip)) {
    world_.Violation("Info between versions " + ToString(before) + " and " + ToString(tip) +
                     " shows version " + ToString(info->version));
  }
  const EngineStats stats = world_.engine->stats();
  if (stats.groups > stats.commits) world_.Violation("stats: more groups than commits");
}

void Worker::JudgeScrub(const char* operation, const ScrubReport& report, bool own, bool maybe_stopped) {
  if (report.findings_total != 0 || !report.findings.empty()) {
    const std::string first =
        report.findings.empty()
            ? "(none kept)"
            : report.findings[0].kind + " " + report.findings[0].where + ": " + report.findings[0].message;
    world_.Violation(std::string(operation) + ": " + std::to_string(report.findings_total) +
                     " findings in a store that is whole, the first: " + first);
  }
  if (!report.stopped.ok())
    world_.Violation(std::string(operation) + ": ended by " + report.stopped.ToString());
  if (!own) return;
  if (report.running) world_.Violation("Scrub returned a report of a run that is under way");
  if (!report.complete && !maybe_stopped) {
    world_.Violation("Scrub returned before the end of its pass, and nobody had stopped it");
  }
  if (report.complete && !report.running && !world_.FirstTimeComplete(report.pass)) {
    world_.Violation("Scrub returned pass " + std::to_string(report.pass) +
                     ", which another Scrub had returned");
  }
}

void Worker::Scrub() {
  Engine& engine = *world_.engine;
  const ScrubOptions options{.bytes_per_second = rng_.OneIn(2) ? 0 : 20ull << 20, .restart = rng_.OneIn(3)};
  const uint64_t stops = world_.scrub_stops_begun.load();
  const bool stopping = world_.scrub_stops_ended.load() != stops;
  switch (rng_.Below(4)) {
    case 0: {
      const Call call(world_.board, number_, "Scrub");
      Result<ScrubReport> report = engine.Scrub(options);
      if (!world_.Expect("scrub", report.status(), {StatusCode::kBusy})) return;
      if (world_.options.plant == Plant::kFinding) report->findings_total = 1;
      return JudgeScrub("Scrub", *report, true, stopping || world_.scrub_stops_begun.load() != stops);
    }
    case 1: {
      if (!world_.options.Has("start_scrub")) return;
      const Call call(world_.board, number_, "StartScrub");
      ScrubOptions background = options;
      if (rng_.OneIn(2)) background.rest_seconds = 0;
      (void)world_.Expect("start_scrub", engine.StartScrub(background), {StatusCode::kBusy});
      return;
    }
    case 2: {
      ++world_.scrub_stops_begun;
      const Call call(world_.board, number_, "StopScrub");
      JudgeScrub("StopScrub", engine.StopScrub(), false, true);
      ++world_.scrub_stops_ended;
      world_.tally.Count("stop_scrub");
      return;
    }
    default:
      JudgeScrub("scrub_report", engine.scrub_report(), false, true);
      world_.tally.Count("scrub_report");
  }
}

}  // namespace rawkv::stress
