#include "base/exception_status.h"
#include "engine/admin/inspect.h"
#include "engine/admin/store_checker.h"
#include "engine/store/store_dir.h"

namespace rawkv {
namespace {

// Opens the store for a check. Damage that prevents the open becomes a finding instead of an error.
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
                               const OpenOptions& options) try {
  CheckReport report{.deep = check.deep, .findings = {}, .notes = {}};
  const Result<std::unique_ptr<StoreContext>> context = OpenForCheck(dir, options, &report);
  if (!report.ok()) return report;
  if (!context.ok()) return context.status();
  return StoreChecker(**context, check).Run();
} catch (...) {
  return StatusOfException();
}

Result<CheckReport> VerifyLog(const std::string& dir, const OpenOptions& options) try {
  CheckReport report;
  const Result<std::unique_ptr<StoreContext>> context = OpenForCheck(dir, options, &report);
  if (!report.ok()) return report;
  if (!context.ok()) return context.status();
  return StoreChecker(**context, {}).RunLogOnly();
} catch (...) {
  return StatusOfException();
}

}  // namespace rawkv
