#include "engine/admin/inspect.h"
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

Result<EngineInfo> InfoByOpening(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(const auto engine, OpenStoreToInspect(call));
  RAWKV_ASSIGN_OR_RETURN(EngineInfo info, engine->Info());
  RAWKV_RETURN_IF_ERROR(engine.Close());
  return info;
}

// Whether the refusal comes from a wrong flag, or from an I/O engine that this machine lacks.
bool IsUnrelatedToStore(const Status& status) {
  return status.code() == StatusCode::kInvalidArgument || status.code() == StatusCode::kNotSupported;
}

}  // namespace

Result<ExitStatus> RunInfo(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(const std::string dir, StoreDirOf(call.flags));
  // Two attempts: the writer may close the store after the attempt to open and before InspectStore looks for
  // the writer.
  Status refusal;
  for (int attempt = 0; attempt < 2; ++attempt) {
    const Result<EngineInfo> opened = InfoByOpening(call);
    if (opened.ok()) {
      RAWKV_RETURN_IF_ERROR(PrintInfo(call, *opened));
      return ExitStatus::kDone;
    }
    refusal = opened.status();
    if (IsUnrelatedToStore(refusal)) return refusal;
    Result<EngineInfo> inspected = InspectStore(dir, OpenOptionsOf(call));
    const bool busy = refusal.code() == StatusCode::kBusy;
    if (busy && attempt == 0 && inspected.ok() && !inspected->writer.has_value()) continue;
    if (!inspected.ok()) return refusal;
    const bool with_writer = busy && inspected->writer.has_value();
    // A store on a read-only filesystem cannot be opened, but it is not damaged.
    const bool answered = with_writer || (inspected->read_only_media && inspected->health == "ok");
    // InspectStore may miss the problem that made Open fail.
    if (!answered && inspected->health == "ok") inspected->health = refusal.ToString();
    RAWKV_RETURN_IF_ERROR(PrintInfo(call, *inspected));
    if (answered) return ExitStatus::kDone;
    break;
  }
  return refusal;
}

}  // namespace rawkv::ctl
