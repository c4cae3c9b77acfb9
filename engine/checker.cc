#include <algorithm>
#include <unordered_set>

#include "base/fs_ops.h"
#include "engine/admin.h"
#include "engine/check_slots.h"
#include "engine/recovery.h"
#include "engine/rollback_steps.h"
#include "engine/store_dir.h"
#include "engine/store_survey.h"
#include "engine/views.h"
#include "wal/change_set.h"

namespace rawkv {
namespace {

// One pass over a closed store. Goes from what everything hangs on to what hangs on it, and says what
// it could not check because of what it found.
class Checker {
 public:
  Checker(StoreContext& context, const CheckOptions& options) : c_(context), options_(options) {
    report_.deep = options.deep;
  }

  Result<CheckReport> Run() {
    RAWKV_RETURN_IF_ERROR(CheckSuperblocks());
    RAWKV_RETURN_IF_ERROR(NoteLeftovers());
    const Result<RollbackMarker> marker = LoadRollbackMarker(*c_.env.fs, c_.paths.rollback_marker());
    // Those above the target of a rollback that has taken effect only wait for their removal.
    std::optional<Version> highest;
    if (marker.ok() && c_.record.chain.Knows(marker->new_lineage)) highest = marker->target;
    RAWKV_RETURN_IF_ERROR(CheckSnapshots(highest));
    if (marker.status().code() != StatusCode::kNotFound) {
      if (marker.ok()) {
        Note("a rollback to version " + ToString(marker->target) + " was interrupted; the next open " +
             (c_.record.chain.Knows(marker->new_lineage) ? "finishes" : "undoes") +
             " it, check log and slots again then");
      } else {
        Find("store", c_.paths.rollback_marker(), {}, marker.status());
      }
      return report_;
    }
    if (CheckLog()) RAWKV_RETURN_IF_ERROR(CheckIndexes());
    return report_;
  }

  Result<CheckReport> RunLogOnly() {
    log_only_ = true;
    CheckLog();
    return report_;
  }

 private:
  void Note(std::string text) { report_.notes.push_back(std::move(text)); }
  void Find(const char* kind, std::string where, std::optional<Version> version, const Status& status) {
    report_.findings.push_back({kind, std::move(where), version, status.message()});
  }
  // Damage met on the way is a finding, not the end of the check. True if `status` is ok.
  Result<bool> FindDamage(const char* kind, std::string where, std::optional<Version> version,
                          const Status& status) {
    if (status.ok()) return true;
    if (status.code() != StatusCode::kCorruption) return status;
    Find(kind, std::move(where), version, status);
    return false;
  }

  Status CheckSuperblocks() {
    RAWKV_ASSIGN_OR_RETURN(const SuperblockPair pair, c_.superblocks->Inspect());
    for (int i = 0; i < 2; ++i) {
      if (!pair.status[i].ok())
        Find(
            "superblock", c_.device_path + " copy " + "AB" [i], {}, pair.status[i]);
    }
    return Status::Ok();
  }

  Status NoteLeftovers() {
    RAWKV_ASSIGN_OR_RETURN(const std::vector<std::string> names, c_.env.fs->List(c_.paths.dir));
    for (const std::string& name : names) {
      if (name.ends_with(".tmp") || name.ends_with(".removing") || name == "working.new") {
        Note(name + " is left over from interrupted work; the next open sweeps it");
      }
    }
    return Status::Ok();
  }

  Status CheckSnapshots(std::optional<Version> highest) {
    std::vector<std::string> damaged;
    RAWKV_ASSIGN_OR_RETURN(const std::vector<SnapshotInfo> all, c_.snapshots->List(&damaged));
    for (const std::string& name : damaged) {
      Find("snapshot", JoinPath(c_.paths.dir, name), {},
           Status::Corruption("its MANIFEST is missing or damaged"));
    }
    const SnapshotCallbacks callbacks{
        .fill = {}, .inspect = [this](const std::string& dir) { return InspectIndex(c_.env, dir); }};
    for (const SnapshotInfo& s : all) {
      if (highest && s.version > *highest) continue;
      RAWKV_ASSIGN_OR_RETURN(
          const std::vector<std::string> errors,
          c_.snapshots->Verify(s.version, c_.record.chain, SnapshotChecksummer(c_.env), callbacks));
      for (const std::string& e : errors) {
        Find("snapshot", c_.snapshots->PathOf(s.version), s.version, Status::Corruption(e));
      }
      if (errors.empty()) good_snapshots_.push_back(s.version);
    }
    return Status::Ok();
  }

  // True if the log leads to a tip.
  bool CheckLog() {
    if (const Status pins = LoadPins(*c_.env.fs, c_.paths.dir).status(); !pins.ok()) {
      Find("pins", JoinPath(c_.paths.dir, "PINS"), {}, pins);
      Note("log and slots could not be checked");
      return false;
    }
    const Result<StoreSurvey> survey = Survey(c_);
    if (!survey.ok()) {
      Find("log", c_.paths.wal(), {}, survey.status());
      return false;
    }
    survey_ = *survey;
    if (!log_only_) CheckPins();
    Version proven = c_.record.initial_version;
    for (const SnapshotInfo& s : survey_.snapshots) proven = std::max(proven, s.version);
    OpenWorkingReadOnly();
    if (working_meta_) proven = std::max(proven, working_meta_->applied);
    const Result<LogJudgement> log = JudgeLog(c_, survey_.log_first, proven);
    if (!log.ok()) {
      Find("log", c_.paths.wal(), {}, log.status());
      return false;
    }
    tip_ = log->keep_through;
    if (log->cut) {
      Note("the log ends in a torn tail after version " + ToString(tip_) + "; the next open cuts it");
    }
    const Status read = ReadLog(c_.log(), survey_.log_first, tip_, [&](const LogRecord& record) -> Status {
      RAWKV_ASSIGN_OR_RETURN(const ChangeSet changes, DecodeChangeSet(record.body));
      return Status::Ok();
    });
    if (!read.ok()) Find("log", c_.paths.wal(), {}, read);
    return read.ok();
  }

  // A pin is made after its snapshot, and goes before it.
  void CheckPins() {
    for (const auto& [name, version] : survey_.pins) {
      if (survey_.Find(version) != nullptr) continue;
      Find("snapshot", c_.snapshots->PathOf(version), version,
           Status::Corruption("pin " + name + " holds this version, whose snapshot is missing or damaged"));
    }
  }

  void OpenWorkingReadOnly() {
    Result<std::unique_ptr<KeyIndex>> index = KeyIndex::Open({.dir = c_.paths.working_index(),
                                                              .read_only = true,
                                                              .block_cache_bytes = 16 << 20,
                                                              .fs = c_.env.index_fs,
                                                              .logger = c_.env.logger});
    if (index.status().code() == StatusCode::kNotFound) {
      Note("the working index is missing; the next open rebuilds it");
      return;
    }
    if (index.status().code() == StatusCode::kCorruption) {
      // A power cut may tear the last record of RocksDB's manifest. Nothing hangs on this index (design
      // invariant 11), so it is no damage to the store, whatever the cause.
      Note("the working index does not open (" + index.status().message() + "); the next open rebuilds it");
      return;
    }
    Result<MetaRecord> meta = index.ok() ? (*index)->Meta() : Result<MetaRecord>(index.status());
    if (!meta.ok()) {
      if (!log_only_) Find("index", c_.paths.working_index(), {}, meta.status());
      return;
    }
    if (!c_.record.chain.Contains(meta->lineage, meta->applied)) {
      Note("the working index is of another branch; the next open rebuilds it");
      return;
    }
    working_ = *std::move(index);
    working_meta_ = *std::move(meta);
  }

  Status CheckIndexes() {
    const Result<CurrentChoice> current = ResolveCurrent(c_);
    if (!current.ok()) {
      Find("snapshot", JoinPath(c_.paths.dir, "current"), {}, current.status());
      return Status::Ok();
    }
    if (!current->note.empty()) Note(current->note);
    // The tip as the log has it, whatever the working index says; a throw-away clone.
    const Result<std::shared_ptr<const EngineView>> tip =
        views_.OpenClone(c_, current->version, tip_, "view");
    // The log was found good: what fails now is the snapshot under the clone.
    const std::string base = c_.snapshots->PathOf(current->version);
    RAWKV_ASSIGN_OR_RETURN(const bool cloned, FindDamage("index", base, tip_, tip.status()));
    if (!cloned) return Status::Ok();
    SlotCheck at_tip((*tip)->index(), "the state at the tip", c_.layout().slot_count);
    RAWKV_ASSIGN_OR_RETURN(const bool whole, FindDamage("index", base, tip_, at_tip.Run(&report_)));
    std::optional<SlotCheck> at_working;
    if (working_ != nullptr) {
      at_working.emplace(*working_, "the working index", c_.layout().slot_count);
      RAWKV_ASSIGN_OR_RETURN(const bool read,
                             FindDamage("index", c_.paths.working_index(), {}, at_working->Run(&report_)));
      if (!read) at_working.reset();
    }
    // Held against what could not be read, everything would seem to be missing.
    if (!whole) return Status::Ok();
    for (const Version v : good_snapshots_) {
      RAWKV_RETURN_IF_ERROR(CheckSnapshotSlots(v, at_tip, at_working ? &*at_working : nullptr));
    }
    return options_.deep ? CheckEveryPayload((*tip)->index()) : Status::Ok();
  }

  Status CheckSnapshotSlots(Version v, const SlotCheck& at_tip, const SlotCheck* at_working) {
    RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<KeyIndex> index, OpenSnapshot(v));
    SlotCheck snapshot(*index, "snapshot " + ToString(v), c_.layout().slot_count);
    RAWKV_ASSIGN_OR_RETURN(const bool whole,
                           FindDamage("snapshot", c_.snapshots->PathOf(v), v, snapshot.Run(&report_)));
    if (!whole) return Status::Ok();
    at_tip.CheckHolds(snapshot, v, &report_);
    if (at_working != nullptr && at_working->version() >= v) at_working->CheckHolds(snapshot, v, &report_);
    return Status::Ok();
  }

  Result<std::unique_ptr<KeyIndex>> OpenSnapshot(Version v) {
    return KeyIndex::Open({.dir = c_.snapshots->IndexPathOf(v),
                           .read_only = true,
                           .block_cache_bytes = 16 << 20,
                           .fs = c_.env.index_fs,
                           .logger = c_.env.logger});
  }

  Status CheckEveryPayload(KeyIndex& tip) {
    PayloadIo payload(*c_.device.device, c_.layout(), c_.record.device_uuid);
    std::unordered_set<WriteId> seen;
    const ProgressFn& progress = c_.options.progress;
    RAWKV_RETURN_IF_ERROR(CheckPayloads(tip, "tip", payload, &seen, progress, &report_));
    for (const Version v : good_snapshots_) {
      RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<KeyIndex> index, OpenSnapshot(v));
      RAWKV_RETURN_IF_ERROR(
          CheckPayloads(*index, "snapshot " + ToString(v), payload, &seen, progress, &report_));
    }
    // Versions between snapshots: what their records wrote is reachable, too.
    const Reachability reach = ToReachability(survey_, tip_, {});
    const Version from = std::max(survey_.log_first, Next(reach.floor));
    if (from > tip_) return Status::Ok();
    return ReadLog(c_.log(), from, tip_, [&](const LogRecord& record) -> Status {
      RAWKV_ASSIGN_OR_RETURN(const ChangeSet changes, DecodeChangeSet(record.body));
      for (const ChangeOp& op : changes.ops) {
        if (op.kind != ChangeOp::Kind::kPut) continue;
        CheckOnePayload(op.key, {record.head.version, op.value}, "log", payload, &seen, &report_);
      }
      return Status::Ok();
    });
  }

  StoreContext& c_;
  const CheckOptions options_;
  bool log_only_ = false;
  CheckReport report_;
  StoreSurvey survey_;
  std::vector<Version> good_snapshots_;
  std::unique_ptr<KeyIndex> working_;
  std::optional<MetaRecord> working_meta_;
  Version tip_;
  ViewRegistry views_;
};

// Opens for checking; damage that keeps it from opening becomes a finding instead of an error.
Result<std::unique_ptr<StoreContext>> OpenForCheck(const std::string& dir, const OpenOptions& options,
                                                   CheckReport* report) {
  RAWKV_ASSIGN_OR_RETURN(const std::string store_dir, ResolveStoreDir(*options.env.fs, dir));
  Result<std::unique_ptr<StoreContext>> context =
      OpenStoreContext(store_dir, options, ContextAccess::kInspect);
  if (context.status().code() == StatusCode::kCorruption) {
    const Result<StoreRecord> record = LoadStoreRecord(*options.env.fs, store_dir);
    report->findings.push_back(
        {record.ok() ? "superblock" : "store",
         record.ok() ? DevicePathOf(*record, store_dir, options) : StorePaths(store_dir).store(),
         {},
         context.status().message()});
    report->notes.push_back("nothing else could be checked");
  }
  return context;
}

}  // namespace

Result<CheckReport> CheckStore(const std::string& dir, const CheckOptions& check,
                               const OpenOptions& options) {
  CheckReport report{.deep = check.deep, .findings = {}, .notes = {}};
  const Result<std::unique_ptr<StoreContext>> context = OpenForCheck(dir, options, &report);
  if (!report.ok()) return report;
  if (!context.ok()) return context.status();
  return Checker(**context, check).Run();
}

Result<CheckReport> VerifyLog(const std::string& dir, const OpenOptions& options) {
  CheckReport report;
  const Result<std::unique_ptr<StoreContext>> context = OpenForCheck(dir, options, &report);
  if (!report.ok()) return report;
  if (!context.ok()) return context.status();
  return Checker(**context, {}).RunLogOnly();
}

}  // namespace rawkv
