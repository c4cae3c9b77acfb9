#include <fmt/format.h>

#include "engine/admin.h"
#include "tools/commands.h"
#include "tools/json_text.h"
#include "tools/report_rows.h"

namespace rawkv::ctl {

Result<ExitStatus> RunVersion(Invocation& call) {
  const FormatNumbers formats = SupportedFormats();
  if (call.flags.json) {
    RAWKV_RETURN_IF_ERROR(call.out.Line(
        JsonObject().Text("rawkv", LibraryVersion()).Raw("formats", FormatsJson(formats)).text()));
  } else {
    RAWKV_RETURN_IF_ERROR(call.out.Line(
        fmt::format("rawkv {} (formats: store {}, wal {}, device {}, snapshot {})", LibraryVersion(),
                    formats.store, formats.wal, formats.device, formats.snapshot)));
  }
  return ExitStatus::kDone;
}

}  // namespace rawkv::ctl
