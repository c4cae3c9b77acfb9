#include <fmt/format.h>

#include "report/check_json.h"
#include "tools/cli/byte_size.h"
#include "tools/cli/text_format.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/store_access.h"

namespace rawkv::ctl {

Result<ExitStatus> RunDeviceTrim(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(const auto engine, OpenStore(call));
  const Result<TrimReport> report = engine->TrimDevice({.progress = call.progress.Callback()});
  call.progress.Wipe();
  RAWKV_RETURN_IF_ERROR(report.status());
  RAWKV_RETURN_IF_ERROR(call.out.Line(
      call.flags.json
          ? JsonText(TrimJson(*report))
          : fmt::format("{} discarded, {}", Counted(report->slots, "free slot"), HumanBytes(report->bytes))));
  RAWKV_RETURN_IF_ERROR(engine.Close());
  return ExitStatus::kDone;
}

Result<ExitStatus> RunDeviceGrow(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(const auto engine, OpenStore(call));
  RAWKV_ASSIGN_OR_RETURN(const GrowReport report, engine->GrowDevice({.capacity_bytes = call.flags.size}));
  const uint64_t more = report.slots - report.slots_before;
  const std::string text = more == 0
                               ? fmt::format("no room for more slots: {} of {}",
                                             Counted(report.slots, "slot"), HumanBytes(report.capacity))
                               : fmt::format("{} more, {} now: the device has {}", Counted(more, "slot"),
                                             report.slots, HumanBytes(report.capacity));
  RAWKV_RETURN_IF_ERROR(call.out.Line(call.flags.json ? JsonText(GrowJson(report)) : text));
  RAWKV_RETURN_IF_ERROR(engine.Close());
  return ExitStatus::kDone;
}

}  // namespace rawkv::ctl
