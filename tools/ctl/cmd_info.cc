#include "report/info_json.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/hints.h"
#include "tools/ctl/info_text.h"
#include "tools/ctl/store_access.h"

namespace rawkv::ctl {
namespace {

Status PrintInfo(Invocation& call, const EngineInfo& info) {
  return call.flags.json ? call.out.Line(JsonText(InfoJson(info)))
                         : call.out.Write(CompleteHints(InfoText(info), call.flags));
}

}  // namespace

Result<ExitStatus> RunInfo(Invocation& call) {
  const Result<EngineInfo> info = InspectStoreOf(call);
  call.progress.Wipe();
  if (!info.ok()) return TurnAbsentIntoRefused(info.status());
  // The refusal comes from a wrong flag, or from an I/O engine that this machine lacks, and not from the
  // store.
  const StatusCode code = info->unopenable.code();
  if (code == StatusCode::kInvalidArgument || code == StatusCode::kNotSupported) return info->unopenable;
  RAWKV_RETURN_IF_ERROR(PrintInfo(call, *info));
  if (!info->unopenable.ok()) return TurnAbsentIntoRefused(info->unopenable);
  return ExitStatus::kDone;
}

}  // namespace rawkv::ctl
