#include "engine/api/results.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/report_rows.h"
#include "tools/ctl/store_access.h"

namespace rawkv::ctl {

Result<ExitStatus> RunFormat(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(const std::string dir, StoreDirOf(call.flags));
  FormatOptions options = FormatOptionsOf(call.flags);
  options.progress = call.progress.Callback();
  const Result<FormatResult> made = Engine::Format(dir, options);
  call.progress.Wipe();
  if (!made.ok()) return TurnAbsentIntoRefused(made.status());
  RAWKV_RETURN_IF_ERROR(PrintFormatResult(call, *made));
  return ExitStatus::kDone;
}

}  // namespace rawkv::ctl
