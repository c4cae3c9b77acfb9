#include "base/exception_status.h"
#include "engine/admin/inspect.h"
#include "engine/admin/store_checker.h"
#include "engine/recovery/lost_identity.h"
#include "engine/store/store_dir.h"

namespace rawkv {
namespace {

// Opens the store for a check. A loss that prevents the open becomes a finding instead of an error.
Result<std::unique_ptr<StoreContext>> OpenForCheck(const std::string& dir, const OpenOptions& options,
                                                   CheckReport* report) {
  RAWKV_ASSIGN_OR_RETURN(const std::string store_dir, ResolveStoreDir(*options.env.fs, dir));
  Result<std::unique_ptr<StoreContext>> context =
      OpenStoreContext(store_dir, options, ContextAccess::kInspect);
  if (context.ok()) return context;
  RAWKV_ASSIGN_OR_RETURN(const LostIdentity lost, FindLostIdentity(store_dir, options, context.status()));
  const bool files = lost.part == LostIdentity::Part::kStoreFiles;
  report->findings.push_back({files ? "store" : "superblock", lost.where, {}, lost.cause.message()});
  report->notes.push_back("nothing else could be checked");
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
