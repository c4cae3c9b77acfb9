#include "engine/admin/inspect.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/info_text.h"
#include "tools/ctl/store_access.h"

namespace rawkv::ctl {
namespace {

Status PrintInfo(Invocation& call, const EngineInfo& info) {
  return call.flags.json ? call.out.Line(InfoJson(info)) : call.out.Write(InfoText(info));
}

Result<EngineInfo> InfoByOpening(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(const auto engine, OpenStoreToLook(call));
  RAWKV_ASSIGN_OR_RETURN(EngineInfo info, engine->Info());
  RAWKV_RETURN_IF_ERROR(engine->Close());
  return info;
}

// A wrong flag or an engine that this machine lacks says nothing about the store.
bool SaysNothingOfTheStore(const Status& status) {
  return status.code() == StatusCode::kInvalidArgument || status.code() == StatusCode::kNotSupported;
}

}  // namespace

Result<ExitStatus> RunInfo(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(const std::string dir, StoreDirOf(call.flags));
  // Twice: a writer may be gone between the attempt to open and the look at who it is.
  Status refusal;
  for (int attempt = 0; attempt < 2; ++attempt) {
    const Result<EngineInfo> opened = InfoByOpening(call);
    if (opened.ok()) {
      RAWKV_RETURN_IF_ERROR(PrintInfo(call, *opened));
      return ExitStatus::kDone;
    }
    refusal = opened.status();
    if (SaysNothingOfTheStore(refusal)) return refusal;
    Result<EngineInfo> seen = InspectStore(dir, OpenOptionsOf(call));
    const bool busy = refusal.code() == StatusCode::kBusy;
    if (busy && attempt == 0 && seen.ok() && !seen->writer.has_value()) continue;
    if (!seen.ok()) return refusal;
    const bool with_writer = busy && seen->writer.has_value();
    // Nothing is wrong with a store that cannot be opened because nothing can be written there.
    const bool answered = with_writer || (seen->read_only_media && seen->health == "ok");
    // A look from outside may miss what opening stumbles over.
    if (!answered && seen->health == "ok") seen->health = refusal.ToString();
    RAWKV_RETURN_IF_ERROR(PrintInfo(call, *seen));
    if (answered) return ExitStatus::kDone;
    break;
  }
  return refusal;
}

}  // namespace rawkv::ctl
