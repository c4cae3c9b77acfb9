#include "tools/commands.h"
#include "tools/report_rows.h"
#include "tools/store_access.h"

namespace rawkv::ctl {

Result<ExitStatus> RunFsck(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(const std::string dir, StoreDirOf(call.flags));
  if (call.flags.repair) {
    return Status::NotSupported(
        "--repair is not supported yet; `rawkv-ctl rollback` goes back to a good version");
  }
  const Result<CheckReport> report = CheckStore(dir, {.deep = call.flags.deep}, OpenOptionsOf(call));
  call.progress.Wipe();
  if (!report.ok()) return AbsentIsRefused(report.status());
  return PrintCheckReport(call, *report);
}

}  // namespace rawkv::ctl
