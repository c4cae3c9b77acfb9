#include "engine/admin/store_checker.h"

#include <algorithm>
#include <utility>

#include "base/fs_ops.h"
#include "base/shell_word.h"
#include "engine/maintenance/scrub_state.h"
#include "engine/recovery/leased_view.h"
#include "engine/recovery/rollback_steps.h"
#include "engine/store/working_index.h"
#include "wal/change_set.h"

namespace rawkv {

bool StoreFacts::IsWhole(Version snapshot) const {
  return std::any_of(whole.begin(), whole.end(), [&](const auto& s) { return s.version == snapshot; });
}

void StoreChecker::LookForWriter() {
  alongside_ = c_.lock == nullptr && IsOpenElsewhere(c_);
  if (!alongside_) return;
  const WriterInfo holder = ReadLockHolder(*c_.env.fs, c_.paths.dir).value_or(WriterInfo{});
  AddNote("process " + std::to_string(holder.pid) + " on " + holder.host + " has the store open: " +
          (log_only_ ? "the working index was not compared with the log"
                     : "the working index, leftovers and the payloads of older versions were not checked"));
}

bool StoreChecker::RemovedMeanwhile(Version v) {
  return alongside_ && c_.snapshots->ReadManifest(v).status().code() == StatusCode::kNotFound;
}

Result<CheckReport> StoreChecker::Run() {
  LookForWriter();
  RAWKV_RETURN_IF_ERROR(CheckStoreFiles());
  RAWKV_RETURN_IF_ERROR(CheckSuperblocks());
  RAWKV_RETURN_IF_ERROR(NoteLeftovers());
  RAWKV_RETURN_IF_ERROR(CheckPins());
  const Result<RollbackMarker> marker = LoadRollbackMarker(*c_.env.fs, c_.paths.rollback_marker());
  facts_.marker = marker.status();
  if (marker.ok() && alongside_) return Status::Busy(c_.paths.dir + ": is being rolled back; try again");
  // Snapshots above the target of a rollback that has taken effect only wait for their removal.
  std::optional<Version> highest;
  if (marker.ok() && c_.chain().HasBranch(marker->new_lineage)) highest = marker->target;
  RAWKV_RETURN_IF_ERROR(CheckSnapshots(highest));
  if (marker.ok()) {
    AddNote("a rollback to version " + ToString(marker->target) + " was interrupted; the next open " +
            (c_.chain().HasBranch(marker->new_lineage) ? "finishes" : "undoes") +
            " it; check log and slots again after that");
    return report_;
  }
  if (marker.status().code() != StatusCode::kNotFound) {
    RAWKV_RETURN_IF_ERROR(RecordUnlessRefused("store", c_.paths.rollback_marker(), {}, marker.status()));
  }
  CheckPinnedVersions();
  RAWKV_ASSIGN_OR_RETURN(const bool has_tip, CheckLog());
  if (has_tip) RAWKV_RETURN_IF_ERROR(CheckIndexes());
  return report_;
}

Result<CheckReport> StoreChecker::RunLogOnly() {
  log_only_ = true;
  LookForWriter();
  RAWKV_RETURN_IF_ERROR(CheckPins());
  RAWKV_RETURN_IF_ERROR(CheckLog().status());
  return report_;
}

Status StoreChecker::CheckStoreFiles() {
  const StoreFiles files = InspectStoreFiles(*c_.env.fs, c_.paths.dir);
  const std::string paths[] = {c_.paths.store(), c_.paths.store_copy()};
  for (const size_t i : {size_t{0}, size_t{1}}) {
    if (files.status[i].ok() || IsCopyNotMadeYet(files.status[i], c_.record().sequence)) continue;
    facts_.store_file_bad = true;
    RAWKV_RETURN_IF_ERROR(RecordUnlessRefused("store", paths[i], {}, files.status[i]));
  }
  // Not damage: a crash may come between the writes of both.
  if (!facts_.store_file_bad && !files.agree() && !alongside_) {
    AddNote(files.record[1]
                ? "STORE and STORE-COPY differ; the next open writes both again from the newer one"
                : "there is no STORE-COPY yet; the next open makes it");
  }
  return Status::Ok();
}

Status StoreChecker::CheckSuperblocks() {
  RAWKV_ASSIGN_OR_RETURN(SuperblockPair pair, c_.superblocks->Inspect());
  const bool both = pair.status[0].ok() && pair.status[1].ok();
  // The writer may have been writing a copy at that moment. It writes one after the other, and seldom.
  if (alongside_ && !both) {
    RAWKV_ASSIGN_OR_RETURN(pair, c_.superblocks->Inspect());
  }
  for (const size_t i : {size_t{0}, size_t{1}}) {
    if (pair.status[i].ok()) continue;
    facts_.superblock_copy_bad = true;
    const std::string where = c_.device_path + " copy " + "AB"[i];
    RAWKV_RETURN_IF_ERROR(RecordUnlessRefused("superblock", where, {}, pair.status[i]));
  }
  return Status::Ok();
}

Status StoreChecker::NoteLeftovers() {
  RAWKV_ASSIGN_OR_RETURN(const std::vector<std::string> names, c_.env.fs->List(c_.paths.dir));
  for (const std::string& name : names) {
    const std::optional<Version> snapshot = SnapshotStore::ParseDirName(name);
    const bool being_removed =
        snapshot && c_.snapshots->ReadManifest(*snapshot).status().code() == StatusCode::kNotFound;
    if (IsLeftover(c_, name) || being_removed) {
      if (!alongside_) AddNote(name + " is left over from interrupted work; the next open sweeps it");
    } else if (IsAsideName(name)) {
      AddNote(name +
              " is damaged and was moved aside; nothing uses it. Remove it (rm -r) once nobody needs it");
    }
  }
  const Status scrub = LoadScrubState(*c_.env.fs, c_.paths.scrub(), c_.identity.store_uuid).status();
  if (scrub.code() == StatusCode::kCorruption) {
    AddNote("the scrub's place is lost (" + scrub.message() + "); the next scrub begins a new pass");
  }
  return Status::Ok();
}

Status StoreChecker::CheckPins() {
  Result<PinTable> pins = LoadPins(*c_.env.fs, c_.paths.dir);
  facts_.pins_state = pins.status();
  if (pins.ok()) facts_.pins = *std::move(pins);
  return RecordUnlessRefused("pins", JoinPath(c_.paths.dir, "PINS"), {}, facts_.pins_state);
}

Status StoreChecker::CheckSnapshots(std::optional<Version> highest) {
  const Result<Version> current = c_.snapshots->Current();
  if (current.ok()) facts_.current = *current;
  std::vector<std::string> damaged;
  RAWKV_ASSIGN_OR_RETURN(const std::vector<SnapshotInfo> all, c_.snapshots->List(&damaged));
  for (const std::string& name : damaged) {
    const Version version = *SnapshotStore::ParseDirName(name);
    const Status why = c_.snapshots->ReadManifest(version).status();
    RAWKV_RETURN_IF_ERROR(RecordUnlessRefused("snapshot", JoinPath(c_.paths.dir, name), version, why));
    // A snapshot of a newer format, or on a medium that cannot be read now, is not proven to be damaged.
    if (why.code() == StatusCode::kCorruption) facts_.damaged.push_back(version);
  }
  const SnapshotCallbacks callbacks{
      .fill = {}, .inspect = [this](const std::string& dir) { return InspectIndex(c_.env, dir); }};
  for (const SnapshotInfo& s : all) {
    if (highest && s.version > *highest) continue;
    if (c_.chain().Abandons(s.lineage, s.version) && !s.current) {
      AddNote(c_.snapshots->PathOf(s.version) +
              " is of a branch that a rollback left, and nothing uses it; the next open removes it");
      continue;
    }
    const Result<std::vector<std::string>> verified =
        c_.snapshots->Verify(s.version, c_.chain(), SnapshotChecksummer(c_.env), callbacks);
    if (RemovedMeanwhile(s.version)) continue;
    RAWKV_ASSIGN_OR_RETURN(const std::vector<std::string> errors, verified);
    for (const std::string& e : errors) {
      AddFinding("snapshot", c_.snapshots->PathOf(s.version), s.version, Status::Corruption(e));
    }
    if (errors.empty()) {
      facts_.whole.push_back(s);
    } else {
      facts_.damaged.push_back(s.version);
    }
  }
  return Status::Ok();
}

// Returns whether the log leads to a tip.
Result<bool> StoreChecker::CheckLog() {
  const Result<StoreSurvey> survey = SurveyWith(c_, facts_.pins);
  if (!alongside_) RAWKV_RETURN_IF_ERROR(CheckWorking());
  RAWKV_RETURN_IF_ERROR(RecordUnlessRefused("log", c_.paths.wal(), {}, survey.status()));
  if (!survey.ok()) return false;
  // An unread snapshot may prove more versions to be durable.
  if (survey->unread.refused()) return survey->unread;
  survey_ = *survey;
  Version proven = c_.closed_version();
  for (const SnapshotInfo& s : survey_.snapshots) proven = std::max(proven, s.version);
  if (facts_.working) proven = std::max(proven, facts_.working->applied);
  const Result<LogJudgement> log = JudgeLog(c_, survey_.log_first, proven);
  RAWKV_RETURN_IF_ERROR(RecordUnlessRefused("log", c_.paths.wal(), {}, log.status()));
  if (!log.ok()) return false;
  facts_.tip = log->keep_through;
  if (log->cut && !alongside_) {
    AddNote("the log ends in a torn tail after version " + ToString(facts_.tip) + "; the next open cuts it");
  }
  const Status read =
      ReadLog(c_.log(), survey_.log_first, facts_.tip, [&](const LogRecord& record) -> Status {
        RAWKV_ASSIGN_OR_RETURN(const ChangeSet changes, DecodeChangeSet(record.body));
        return Status::Ok();
      });
  RAWKV_RETURN_IF_ERROR(RecordUnlessRefused("log", c_.paths.wal(), {}, read));
  facts_.log_whole = read.ok();
  return read.ok();
}

void StoreChecker::MarkWorkingBroken(const Status& status) {
  if (!log_only_) AddFinding("index", c_.paths.working_index(), {}, status);
  facts_.working_broken = true;
  facts_.working.reset();
  working_.reset();
}

// A working index that is missing or does not open is a note, whatever the cause: the next open rebuilds it,
// nothing depends on it (invariant 11), and a power cut may tear the last record of RocksDB's manifest. A bad
// block in a working index that opens is a finding: RocksDB syncs tables before it names them, so no crash
// explains the block, and an open detects it only if it holds the meta record.
Status StoreChecker::CheckWorking() {
  const auto rebuilt = [this](const std::string& why) {
    AddNote("the working index " + why + "; the next open rebuilds it");
  };
  const Status base = CheckWorkingComplete(c_);
  if (base.refused()) return base;
  if (!base.ok()) rebuilt("is missing or not complete (" + base.message() + ")");
  Result<std::unique_ptr<KeyIndex>> index = OpenIndexForReading(c_.env, c_.paths.working_index());
  Result<MetaRecord> meta = index.ok() ? (*index)->Meta() : Result<MetaRecord>(index.status());
  if (meta.status().refused()) return meta.status();
  if (!meta.ok()) {
    if ((index.ok() && base.ok()) || meta.status().code() == StatusCode::kIoError)
      MarkWorkingBroken(meta.status());
    else if (base.ok())
      rebuilt("does not open (" + meta.status().message() + ")");
    return Status::Ok();
  }
  if (!c_.chain().Contains(meta->lineage, meta->applied)) {
    rebuilt("is of another branch");
    return Status::Ok();
  }
  if (!log_only_) {
    const Status blocks = (*index)->VerifyChecksums();
    if (blocks.refused()) return blocks;
    if (!blocks.ok() && base.ok()) MarkWorkingBroken(blocks);
    if (!blocks.ok()) return Status::Ok();
  }
  working_ = *std::move(index);
  facts_.working = *std::move(meta);
  return Status::Ok();
}

Status StoreChecker::CheckIndexes() {
  const Result<CurrentChoice> current = ResolveCurrent(c_);
  if (!current.ok())
    return RecordUnlessRefused("snapshot", JoinPath(c_.paths.dir, "current"), {}, current.status());
  if (!current->note.empty()) AddNote(current->note);
  // Builds the state at the log's end in a throw-away clone, independent of the working index. The clone
  // starts from a snapshot whose content was verified, and not only its list of files.
  Version base = current->version;
  for (const SnapshotInfo& s : facts_.whole) {
    if (!facts_.IsWhole(base) && survey_.Continued(s.version)) base = s.version;
  }
  if (!facts_.IsWhole(base)) {
    AddNote("slots and payloads could not be checked: no whole snapshot leads to the tip");
    return Status::Ok();
  }
  const Result<FsSpace> space = c_.env.fs->Space(c_.paths.dir);
  if (space.ok() && space->read_only) {
    AddNote("slots and payloads could not be checked: the directory of the clone for it is read-only");
    return Status::Ok();
  }
  // A writer that comes while nobody had the store open changes it, and the check is repeated.
  Result<std::shared_ptr<EngineView>> clone =
      alongside_ ? BeginLeasedClone(c_, views_, {.base = base}, facts_.tip, "view")
                 : views_.BeginClone(c_, {.base = base}, facts_.tip, "view");
  const Result<std::shared_ptr<const EngineView>> tip =
      clone.ok() ? views_.FinishClone(c_, *std::move(clone))
                 : Result<std::shared_ptr<const EngineView>>(clone.status());
  // The log is good, so a failure comes from the snapshot under the clone.
  RAWKV_ASSIGN_OR_RETURN(const bool cloned,
                         RecordDamage("index", c_.snapshots->PathOf(base), facts_.tip, tip.status()));
  if (!cloned) return Status::Ok();
  RAWKV_ASSIGN_OR_RETURN(const bool read, CheckSlots((*tip)->index(), c_.snapshots->PathOf(base)));
  return options_.deep && read ? CheckEveryPayload((*tip)->index()) : Status::Ok();
}

Result<bool> StoreChecker::CheckSlots(KeyIndex& tip, const std::string& base) {
  CheckReport found;
  SlotCheck at_tip(tip, "the state at the tip", c_.layout().slot_count);
  std::optional<SlotCheck> at_working;
  if (working_ != nullptr) {
    at_working.emplace(*working_, "the working index", c_.layout().slot_count);
    const Status run = at_working->Run(&found);
    if (run.ok()) {
      AddSlotFindings(std::move(found), at_working->worst(), true);
    } else {
      if (run.code() != StatusCode::kCorruption) return run;
      at_working.reset();
      MarkWorkingBroken(run);
    }
  }
  const bool working_is_clean = at_working && at_working->worst() == SlotCheck::Worst::kNothing;
  found = {};
  // Compared with a state that cannot be read, every extent would seem to be missing.
  RAWKV_ASSIGN_OR_RETURN(const bool whole, RecordDamage("index", base, facts_.tip, at_tip.Run(&found)));
  if (!whole) return false;
  facts_.slots_at_tip = at_tip.worst();
  AddSlotFindings(std::move(found), at_tip.worst(), !working_is_clean);
  for (const SnapshotInfo& s : facts_.whole) {
    RAWKV_RETURN_IF_ERROR(CheckSnapshotSlots(s.version, at_tip, at_working ? &*at_working : nullptr));
  }
  if (at_working) facts_.slots_in_working = at_working->worst();
  return true;
}

// Leaks in an index that nobody writes to any more matter only if the live index has them, too.
void StoreChecker::AddSlotFindings(CheckReport found, SlotCheck::Worst worst, bool leaks_matter) {
  const bool only_notes = worst == SlotCheck::Worst::kLeaks && !leaks_matter;
  for (Finding& f : found.findings) {
    if (only_notes) {
      AddNote(f.where + ": " + f.message + "; the live index has them free; the leak ends with the snapshot");
    } else {
      report_.findings.push_back(std::move(f));
    }
  }
}

Status StoreChecker::CheckSnapshotSlots(Version v, SlotCheck& at_tip, SlotCheck* at_working) {
  Result<std::unique_ptr<KeyIndex>> opened = OpenIndexForReading(c_.env, c_.snapshots->IndexPathOf(v));
  if (RemovedMeanwhile(v)) return Status::Ok();
  RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<KeyIndex> index, std::move(opened));
  SlotCheck snapshot(*index, "snapshot " + ToString(v), c_.layout().slot_count);
  CheckReport found;
  RAWKV_ASSIGN_OR_RETURN(const bool whole,
                         RecordDamage("snapshot", c_.snapshots->PathOf(v), v, snapshot.Run(&found)));
  if (!whole) return Status::Ok();
  const SlotCheck& live = at_working != nullptr ? *at_working : at_tip;
  AddSlotFindings(std::move(found), snapshot.worst(), live.worst() != SlotCheck::Worst::kNothing);
  if (!ToReachability(survey_, facts_.tip, {}).IsReachable(v)) {
    if (v >= survey_.reuse_floor)
      AddNote("the next snapshot removes snapshot " + ToString(v) + ", as no log leads from it to the tip; " +
              "`rawkv-ctl snapshot pin --name=NAME --version=" + ToString(v) + "` keeps it");
    return Status::Ok();  // it holds no slots
  }
  at_tip.CheckHoldsSlotsOf(snapshot, v, &report_);
  if (at_working != nullptr && at_working->version() >= v)
    at_working->CheckHoldsSlotsOf(snapshot, v, &report_);
  return Status::Ok();
}

// The engine makes a pin after its snapshot, and removes it before the snapshot. Without the snapshot the
// version can be read at most until the log below the next snapshot is dropped; after that the pin holds
// slots for nothing.
void StoreChecker::CheckPinnedVersions() {
  for (const auto& [name, version] : facts_.pins) {
    const bool there =
        facts_.IsWhole(version) || std::count(facts_.damaged.begin(), facts_.damaged.end(), version) != 0;
    if (there) continue;
    AddFinding("snapshot", c_.snapshots->PathOf(version), version,
               Status::Corruption(
                   "pin " + name +
                   " holds this version, whose snapshot is missing; `rawkv-ctl snapshot unpin --name=" +
                   ShellWord(name) + "` removes the pin"));
  }
}

Status StoreChecker::CheckEveryPayload(KeyIndex& tip) {
  PayloadIo payload(*c_.device.device, c_.layout(), c_.identity.device_uuid);
  VerifiedPayloads seen;
  const ProgressFn& progress = c_.options.progress;
  const Reachability reach = ToReachability(survey_, facts_.tip, {});
  RAWKV_RETURN_IF_ERROR(CheckPayloads(tip, "tip", payload, &seen, progress, &report_));
  if (alongside_) return Status::Ok();  // no lease keeps the payloads of older versions
  for (const SnapshotInfo& s : facts_.whole) {
    if (!reach.IsReachable(s.version)) continue;
    RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<KeyIndex> index,
                           OpenIndexForReading(c_.env, c_.snapshots->IndexPathOf(s.version)));
    RAWKV_RETURN_IF_ERROR(
        CheckPayloads(*index, "snapshot " + ToString(s.version), payload, &seen, progress, &report_));
  }
  // The payloads of versions between snapshots are reachable, too.
  const Version from = std::max(survey_.log_first, Next(reach.floor));
  if (from > facts_.tip) return Status::Ok();
  return ReadLog(c_.log(), from, facts_.tip, [&](const LogRecord& record) -> Status {
    RAWKV_ASSIGN_OR_RETURN(const ChangeSet changes, DecodeChangeSet(record.body));
    for (const KeptPayload& kept : KeptPayloads(changes)) {
      const IndexEntry entry{record.head.version, {.data = *kept.ref, .sha256 = {}}};
      RAWKV_RETURN_IF_ERROR(CheckOnePayload(*kept.key, entry, "log", payload, &seen, &report_));
    }
    return Status::Ok();
  });
}

}  // namespace rawkv
