#include "engine/api/results.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/report_rows.h"
#include "tools/ctl/store_access.h"

namespace rawkv::ctl {

Result<ExitStatus> RunFormat(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(const std::string dir, StoreDirOf(call.flags));
  const Result<FormatResult> made = Engine::Format(dir, FormatOptionsOf(call.flags));
  if (!made.ok()) return TurnAbsentIntoRefused(made.status());
  RAWKV_RETURN_IF_ERROR(PrintFormatResult(call, *made));
  return ExitStatus::kDone;
}

}  // namespace rawkv::ctl
