#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "engine/admin/check_slots.h"
#include "engine/admin/inspect.h"
#include "engine/read/views.h"
#include "engine/recovery/recovery.h"
#include "engine/store/store_survey.h"

namespace rawkv {

// The results of a check as facts, from which a repair is planned. The report has the same for people.
struct StoreFacts {
  bool store_file_bad = false;  // one of STORE and STORE-COPY
  bool superblock_copy_bad = false;
  Status marker;                      // of reading ROLLBACK; kNotFound: no rollback is under way
  Status pins_state;                  // of reading PINS
  PinTable pins;                      // empty if they cannot be read
  std::vector<SnapshotInfo> whole;    // verified in full and on the chain, ascending
  std::vector<Version> damaged;       // snapshot directories that are damaged or not on the chain
  std::optional<Version> current;     // the snapshot that the link names, whole or not
  std::optional<MetaRecord> working;  // of a working index that was verified in full
  bool working_broken = false;        // there is a working index, and it must be rebuilt
  bool log_whole = false;             // from its first segment to its end
  Version tip;                        // the log's end, if it has a good one
  SlotCheck::Worst slots_at_tip = SlotCheck::Worst::kNothing;  // as snapshot and log give them
  SlotCheck::Worst slots_in_working = SlotCheck::Worst::kNothing;

  bool IsWhole(Version snapshot) const;
};

// One check of a store. Without the lock, a writer may have the store open: the check then leaves out what
// only the writer knows, and its caller repeats it if it finds damage and the store changed. It checks each
// part after the parts that this one depends on, and notes what it could not check because of damage. It
// changes nothing except a throw-away clone below views/. Not thread-safe.
class StoreChecker {
 public:
  StoreChecker(StoreContext& context, const CheckOptions& options) : c_(context), options_(options) {
    report_.deep = options.deep;
  }

  // Damage is in the report. An error means that a part of the store could not be read.
  Result<CheckReport> Run();
  Result<CheckReport> RunLogOnly();
  const StoreFacts& facts() const { return facts_; }  // after Run

 private:
  void AddNote(std::string text) { report_.notes.push_back(std::move(text)); }
  void AddFinding(const char* kind, std::string where, std::optional<Version> version, const Status& status) {
    report_.findings.push_back({kind, std::move(where), version, status.message()});
  }
  // An error that prevents the check of a part is a finding, and the check continues. A refused read proves
  // nothing about the store, so it ends the check.
  Status RecordUnlessRefused(const char* kind, std::string where, std::optional<Version> version,
                             const Status& status) {
    if (status.refused()) return status;
    if (!status.ok()) AddFinding(kind, std::move(where), version, status);
    return Status::Ok();
  }
  // Makes damage a finding and returns false. Returns true if `status` is ok, and any other error as it is.
  Result<bool> RecordDamage(const char* kind, std::string where, std::optional<Version> version,
                            const Status& status) {
    if (status.ok()) return true;
    if (status.code() != StatusCode::kCorruption) return status;
    AddFinding(kind, std::move(where), version, status);
    return false;
  }
  // Finds out whether a writer has the store open, and notes it.
  void LookForWriter();
  // Whether a writer has removed this snapshot since the check listed it.
  bool RemovedMeanwhile(Version v);
  Status CheckStoreFiles();
  Status CheckSuperblocks();
  Status NoteLeftovers();
  Status CheckSnapshots(std::optional<Version> highest);
  Status CheckPins();
  Result<bool> CheckLog();
  Status CheckWorking();
  void MarkWorkingBroken(const Status& status);
  Status CheckIndexes();
  // False if the state at the tip, cloned from the snapshot at `base`, cannot be read.
  Result<bool> CheckSlots(KeyIndex& tip, const std::string& base);
  Status CheckSnapshotSlots(Version v, SlotCheck& at_tip, SlotCheck* at_working);
  void AddSlotFindings(CheckReport found, SlotCheck::Worst worst, bool leaks_matter);
  void CheckPinnedVersions();
  Status CheckEveryPayload(KeyIndex& tip);

  StoreContext& c_;
  const CheckOptions options_;
  bool log_only_ = false;
  bool alongside_ = false;  // a writer has the store open
  CheckReport report_;
  StoreFacts facts_;
  StoreSurvey survey_;
  std::unique_ptr<KeyIndex> working_;
  ForkGuard process_;
  ViewRegistry views_{process_};
};

// Opens the store without the lock for `run`, and again if `run` finds damage while the store changes. For a
// store that cannot be opened, a finding takes the place of `run`. `store_dir` is resolved.
using RunCheck = std::function<Result<CheckReport>(StoreContext&)>;
Result<CheckReport> CheckStoreWith(const std::string& store_dir, const CheckOptions& check,
                                   const OpenOptions& options, const RunCheck& run);

}  // namespace rawkv
