#include "engine/admin/repair_plan.h"

#include <algorithm>
#include <utility>

#include "engine/api/version_range.h"
#include "engine/recovery/log_reach.h"
#include "engine/recovery/rollback_plan.h"
#include "wal/log_salvage.h"
#include "wal/segment_name.h"

namespace rawkv {
namespace {

class Decider {
 public:
  Decider(StoreContext& context, const StoreFacts& facts) : c_(context), facts_(facts) {}

  Result<RepairDecision> Run() {
    RAWKV_RETURN_IF_ERROR(Prepare());
    DecideSmallFiles();
    RAWKV_ASSIGN_OR_RETURN(const bool kept, TryKeepLogTip());
    if (!kept) RAWKV_RETURN_IF_ERROR(FindNewTip());
    if (d_.way != RepairDecision::Way::kNone) {
      d_.quarantine = facts_.damaged;
      DecidePins();
    }
    Describe();
    return std::move(d_);
  }

 private:
  using Way = RepairDecision::Way;

  Status Prepare() {
    survey_.snapshots = facts_.whole;
    survey_.reuse_floor = c_.reuse_floor();
    RAWKV_ASSIGN_OR_RETURN(const std::vector<SegmentFile> segments,
                           ListSegmentFiles(*c_.env.fs, c_.paths.wal()));
    proven_ = c_.closed_version();
    for (const SnapshotInfo& s : facts_.whole) proven_ = std::max(proven_, s.version);
    if (facts_.working) proven_ = std::max(proven_, facts_.working->applied);
    newest_ = proven_;
    for (const Version v : facts_.damaged) {
      const Result<Manifest> manifest = c_.snapshots->ReadManifest(v);
      const bool of_another_branch = manifest.ok() && !c_.chain().Contains(manifest->lineage, v);
      if (of_another_branch) continue;
      damaged_.push_back(v);
      newest_ = std::max(newest_, v);
    }
    if (!segments.empty()) {
      RAWKV_ASSIGN_OR_RETURN(const Version trace, FindNewestVersionInLog(c_.log()));
      newest_ = std::max(newest_, trace);
    }
    // Nothing shows where a missing log began. It reached back to the oldest snapshot at least.
    survey_.log_first = Next(newest_);
    for (const SnapshotInfo& s : facts_.whole)
      survey_.log_first = std::min(survey_.log_first, Next(s.version));
    for (const Version v : damaged_) survey_.log_first = std::min(survey_.log_first, Next(v));
    if (!segments.empty()) survey_.log_first = segments.front().first;
    return Status::Ok();
  }

  void DecideSmallFiles() {
    d_.store_file = facts_.store_file_bad;
    d_.superblock = facts_.superblock_copy_bad;
    d_.marker = facts_.marker.code() == StatusCode::kCorruption;
    pins_ = facts_.pins;
    if (facts_.pins_state.code() == StatusCode::kCorruption) {
      // Pins the snapshots that only a pin can have kept. To pin all of them would end the history between
      // them, as no history is built on a pinned snapshot (invariant 2).
      uint64_t newer_counted = 0;
      for (auto s = facts_.whole.rbegin(); s != facts_.whole.rend(); ++s) {
        const bool recent = newer_counted <= c_.runtime.keep_recent;
        newer_counted += !s->by_log_bytes;
        if (!survey_.Continued(s->version) || !recent)
          pins_["was-pinned-" + ToString(s->version)] = s->version;
      }
      d_.pins = pins_;
    }
    survey_.pins = pins_;
    if (facts_.current && facts_.IsWhole(*facts_.current)) survey_.current = facts_.current;
  }

  // Keeps the tip that the log leads to, from the oldest snapshot from which it does. Gives up nothing above
  // that snapshot. Returns false if the log leads from no snapshot to its end.
  Result<bool> TryKeepLogTip() {
    for (const SnapshotInfo& s : facts_.whole) {
      if (!survey_.Continued(s.version)) continue;
      const Result<LogJudgement> judged = JudgeLog(c_, Next(s.version), proven_);
      const StatusCode code = judged.status().code();
      const bool damage = code == StatusCode::kCorruption || code == StatusCode::kNotFound;  // no wal/ at all
      if (damage) continue;
      if (!judged.ok()) return judged.status();
      d_.way = Way::kKeep;
      base_ = s.version;
      d_.shown.tip = newest_ = judged->keep_through;
      if (!facts_.log_whole) d_.drop_log_before = Next(base_);
      const Version newest_whole = facts_.whole.back().version;
      const bool current_leads = survey_.current && *survey_.current >= base_;
      if (!current_leads) d_.set_current = newest_whole;
      DecideWorking(newest_whole);
      return true;
    }
    return false;
  }

  void DecideWorking(Version newest_whole) {
    const SlotCheck::Worst live = facts_.working ? facts_.slots_in_working : facts_.slots_at_tip;
    const bool slots = live != SlotCheck::Worst::kNothing || facts_.slots_at_tip == SlotCheck::Worst::kWrong;
    if (!facts_.working_broken && !slots) return;
    d_.build = RepairDecision::Build{.snapshot = newest_whole,
                                     .from = newest_whole,
                                     .to = d_.shown.tip,
                                     .correct_slots = slots,
                                     // Without a snapshot a rebuild of the index would restore the old pages.
                                     .publish = slots && d_.shown.tip > newest_whole};
  }

  // Makes the newest version the tip that a whole state and the intact records after it lead to.
  Status FindNewTip() {
    d_.way = Way::kNone;
    std::optional<RepairDecision::Build> best;
    const auto consider = [&](std::optional<Version> snapshot, Version from) -> Status {
      // Below the reuse floor, later versions may have overwritten its values.
      if (from < survey_.reuse_floor) return Status::Ok();
      RAWKV_ASSIGN_OR_RETURN(const Version to, FindReachFrom(c_, from, proven_));
      if (!best || to > best->to) best = RepairDecision::Build{.snapshot = snapshot, .from = from, .to = to};
      return Status::Ok();
    };
    for (auto s = facts_.whole.rbegin(); s != facts_.whole.rend(); ++s) {
      RAWKV_RETURN_IF_ERROR(consider(s->version, s->version));
    }
    if (facts_.working) RAWKV_RETURN_IF_ERROR(consider(std::nullopt, facts_.working->applied));
    if (!best) return Status::Ok();
    d_.shown.tip = best->to;
    RAWKV_ASSIGN_OR_RETURN(const bool by_rollback, TryRollBackTo(best->to));
    if (by_rollback) return Status::Ok();
    d_.way = Way::kNewState;
    base_ = best->to;
    best->publish = !facts_.IsWhole(best->to);
    d_.build = best;
    d_.restart_log = !facts_.log_whole;
    if (!best->publish && survey_.current != best->to) d_.set_current = best->to;
    return Status::Ok();
  }

  // Plans a rollback to `target`, if the log below it is whole: a rollback keeps that log. Returns whether it
  // did.
  Result<bool> TryRollBackTo(Version target) {
    const auto oldest = std::find_if(facts_.whole.begin(), facts_.whole.end(),
                                     [&](const auto& s) { return survey_.Continued(s.version); });
    if (oldest == facts_.whole.end() || oldest->version > target) return false;
    const auto accept = [](const LogRecord&) { return Status::Ok(); };
    const Status whole = ReadLog(c_.log(), Next(oldest->version), target, accept);
    if (whole.code() == StatusCode::kCorruption || whole.code() == StatusCode::kNotFound) return false;
    RAWKV_RETURN_IF_ERROR(whole);
    RAWKV_ASSIGN_OR_RETURN(const std::vector<VersionHold> leases, ForeignHolds(c_, {}));
    Result<RollbackPlan> plan =
        MakeRollbackPlan(survey_, {.newest = std::max(newest_, Next(target)), .intact = target}, target,
                         leases, {.drop_pins = true});
    if (!plan.ok()) return false;
    d_.way = Way::kRollback;
    base_ = oldest->version;
    d_.rollback = *std::move(plan);
    return true;
  }

  // Computes the versions that can be read after the repair, and from them the pins to add and to drop and
  // the versions to give up.
  void DecidePins() {
    PinTable after = pins_;
    VersionRanges reachable;
    if (d_.way == Way::kNewState) {
      reachable = {{base_, base_}};
    } else {
      reachable = {{base_, d_.shown.tip}};
    }
    const bool log_goes = d_.restart_log || d_.drop_log_before || d_.way == Way::kNewState;
    for (const SnapshotInfo& s : facts_.whole) {
      const bool readable = s.version >= survey_.reuse_floor || Pinned(s.version);
      if (s.version >= base_ || !readable) continue;
      if (!Pinned(s.version)) {
        if (!log_goes) continue;
        after["kept-by-repair-" + ToString(s.version)] = s.version;
      }
      reachable.emplace_back(s.version, s.version);
    }
    reachable = Normalized(std::move(reachable));
    std::erase_if(after, [&](const auto& pin) {
      if (HasSnapshotAfter(pin.second) && Covers(reachable, pin.second)) return false;
      d_.shown.pins_dropped.emplace_back(pin.first, pin.second);
      return true;
    });
    if (after != pins_) d_.pins_after = std::move(after);
    d_.shown.gives_up = Without(ReachableBefore(), reachable);
  }

  bool Pinned(Version v) const {
    return std::any_of(pins_.begin(), pins_.end(), [&](const auto& pin) { return pin.second == v; });
  }

  // A pin without its snapshot would hold slots for a version that the next prune makes unreachable.
  bool HasSnapshotAfter(Version v) const {
    return facts_.IsWhole(v) || (d_.build && d_.build->publish && d_.build->to == v);
  }

  // The versions that could be read if nothing were damaged.
  VersionRanges ReachableBefore() const {
    StoreSurvey before = survey_;
    before.current = facts_.current;
    for (const Version v : damaged_) before.snapshots.push_back({.version = v});
    std::sort(before.snapshots.begin(), before.snapshots.end(),
              [](const auto& a, const auto& b) { return a.version < b.version; });
    VersionRanges ranges = ToReachability(before, newest_, {}).Ranges();
    std::erase_if(ranges, [&](const auto& r) { return r.first > newest_; });
    return ranges;
  }

  void Step(const char* action, std::string where, std::optional<Version> version, std::string message) {
    d_.shown.steps.push_back({action, std::move(where), version, std::move(message)});
  }

  void Describe();
  void DescribeState();

  StoreContext& c_;
  const StoreFacts& facts_;
  RepairDecision d_;
  StoreSurvey survey_;            // of the whole snapshots
  std::vector<Version> damaged_;  // damaged snapshots of this branch
  PinTable pins_;
  Version proven_;  // the proven version, as whole states show it
  Version newest_;  // the newest version of which there is any trace
  Version base_;    // the oldest version that is reachable through more than its own snapshot
};

void Decider::DescribeState() {
  const RepairDecision::Build& b = *d_.build;
  const std::string source =
      b.snapshot ? "snapshot " + ToString(b.from) : "the working index at version " + ToString(b.from);
  const std::string records = b.to == b.from ? "" : " and the log's records to version " + ToString(b.to);
  Step(b.correct_slots ? "slots" : "working", c_.paths.working(), b.to,
       "a working index is built from " + source + records +
           (b.correct_slots ? "; its slot pages are computed from its keys" : ""));
  if (b.publish) {
    Step("snapshot", c_.snapshots->PathOf(b.to), b.to, "this state becomes a snapshot, and `current`");
  }
}

void Decider::Describe() {
  if (d_.store_file) {
    Step("store", c_.paths.store(), {}, "STORE and STORE-COPY are written again from the one that is whole");
  }
  if (d_.superblock)
    Step("superblock", c_.device_path, {}, "the bad copy is written again from the good one");
  if (d_.marker) {
    Step("marker", c_.paths.rollback_marker(), {},
         "moved aside; STORE shows whether the rollback took effect, and the next open acts accordingly");
  }
  if (d_.pins) {
    Step("pins", c_.paths.dir + "/PINS", {},
         "moved aside; snapshots that only a pin can have kept are pinned as was-pinned-VERSION; pin others "
         "that must stay again, before the next prune");
  }
  if (d_.way == Way::kNone) {
    d_.shown.hopeless =
        "no whole snapshot and no whole working index is left to start from; the repair changes nothing. "
        "Restore a snapshot from a backup, or import an export";
    return;
  }
  if (d_.build) DescribeState();
  if (d_.set_current) {
    Step("current", c_.paths.dir + "/current", d_.set_current, "now names this snapshot");
  }
  for (const Version v : d_.quarantine) {
    Step("quarantine", c_.snapshots->PathOf(v), v, "damaged: moved aside to a name ending in .damaged");
  }
  if (d_.pins_after) {
    for (const auto& [name, version] : *d_.pins_after) {
      if (!pins_.contains(name)) Step("pin", name, version, "keeps this snapshot, which loses its log");
    }
    for (const auto& [name, version] : d_.shown.pins_dropped) {
      Step("unpin", name, version,
           "its snapshot is gone; the version can be read at most as long as the log below the next snapshot "
           "stays");
    }
  }
  if (d_.restart_log) {
    Step("log", c_.paths.wal(), Next(base_),
         "moved aside, and begun again with this version as the first; the store forks into a new lineage");
  }
  if (d_.drop_log_before) {
    Step("log", c_.paths.wal(), d_.drop_log_before,
         "the part below this version, in which the damage is, is moved aside; until then the store works, "
         "and the intact versions in that part can be read");
  }
  if (d_.rollback) {
    Step("rollback", c_.paths.wal(), d_.rollback->to,
         "the log is cut after this version, the last one that it leads to; the cut part is copied aside");
  }
}

}  // namespace

Result<RepairDecision> DecideRepair(StoreContext& context, const StoreFacts& facts) {
  return Decider(context, facts).Run();
}

}  // namespace rawkv
