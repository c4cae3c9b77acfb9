#include "base/exception_status.h"
#include "engine/admin/inspect.h"
#include "engine/admin/store_checker.h"
#include "engine/recovery/lost_identity.h"
#include "engine/recovery/retry_while_changing.h"
#include "engine/store/store_dir.h"

namespace rawkv {
namespace {

// Opens the store for a check. A loss that prevents the open becomes a finding instead of an error.
Result<std::unique_ptr<StoreContext>> OpenForCheck(const std::string& store_dir, const OpenOptions& options,
                                                   ContextAccess access, CheckReport* report) {
  Result<std::unique_ptr<StoreContext>> context = OpenStoreContext(store_dir, options, access);
  if (context.ok()) return context;
  RAWKV_ASSIGN_OR_RETURN(const LostIdentity lost, FindLostIdentity(store_dir, options, context.status()));
  const bool files = lost.part == LostIdentity::Part::kStoreFiles;
  const std::string cure = files ? "" : "; `rawkv-ctl fsck --repair --dry_run` shows what can be restored";
  report->findings.push_back({files ? "store" : "superblock", lost.where, {}, lost.cause.message() + cure});
  report->notes.push_back("nothing else could be checked");
  return context;
}

// A finding counts only if the store did not change while it was made.
Result<CheckReport> CheckWith(const std::string& store_dir, const CheckOptions& check,
                              const OpenOptions& options, const RunCheck& run, ContextAccess access) {
  CheckReport report;
  const Status checked =
      RetryWhileChanging(*options.env.fs, store_dir, options.lock_wait_ms, [&]() -> Status {
        report = {.deep = check.deep, .findings = {}, .notes = {}};
        const Result<std::unique_ptr<StoreContext>> context =
            OpenForCheck(store_dir, options, access, &report);
        if (report.ok()) {
          if (!context.ok()) return context.status();
          RAWKV_ASSIGN_OR_RETURN(report, run(**context));
        }
        return report.ok() ? Status::Ok() : Status::Corruption("there are findings");
      });
  if (!checked.ok() && (report.ok() || checked.code() != StatusCode::kCorruption)) return checked;
  return report;
}

}  // namespace

Result<CheckReport> CheckStoreWith(const std::string& store_dir, const CheckOptions& check,
                                   const OpenOptions& options, const RunCheck& run) {
  Result<CheckReport> checked = CheckWith(store_dir, check, options, run, ContextAccess::kRead);
  const StatusCode code = checked.status().code();
  if (code != StatusCode::kNoSpace && code != StatusCode::kIoError) return checked;
  // There may be no place for a clone. With the lock it can be in memory.
  Result<CheckReport> alone = CheckWith(store_dir, check, options, run, ContextAccess::kInspect);
  return alone.ok() ? alone : checked;
}

Result<CheckReport> CheckStore(const std::string& dir, const CheckOptions& check,
                               const OpenOptions& options) try {
  RAWKV_ASSIGN_OR_RETURN(const std::string store_dir, ResolveStoreDir(*options.env.fs, dir));
  return CheckStoreWith(store_dir, check, options,
                        [&](StoreContext& c) { return StoreChecker(c, check).Run(); });
} catch (...) {
  return StatusOfException();
}

Result<CheckReport> VerifyLog(const std::string& dir, const OpenOptions& options) try {
  RAWKV_ASSIGN_OR_RETURN(const std::string store_dir, ResolveStoreDir(*options.env.fs, dir));
  return CheckStoreWith(store_dir, {}, options,
                        [](StoreContext& c) { return StoreChecker(c, {}).RunLogOnly(); });
} catch (...) {
  return StatusOfException();
}

}  // namespace rawkv
