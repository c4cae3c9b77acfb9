#include <fmt/format.h>

#include "engine/admin/inspect.h"
#include "report/info_json.h"
#include "report/json_text.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/report_rows.h"

namespace rawkv::ctl {

Result<ExitStatus> RunVersion(Invocation& call) {
  const FormatNumbers formats = SupportedFormats();
  if (call.flags.json) {
    RAWKV_RETURN_IF_ERROR(
        call.out.Line(JsonText({{"rawkv", LibraryVersion()}, {"formats", FormatsJson(formats)}})));
  } else {
    RAWKV_RETURN_IF_ERROR(call.out.Line(
        fmt::format("rawkv {} (formats: store {}, wal {}, device {}, snapshot {})", LibraryVersion(),
                    formats.store, formats.wal, formats.device, formats.snapshot)));
  }
  return ExitStatus::kDone;
}

}  // namespace rawkv::ctl
