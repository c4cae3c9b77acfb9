#include "tools/cli/input.h"
#include "tools/ctl/change_line.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/store_access.h"

namespace rawkv::ctl {
namespace {

// Commits one line. The output is an acknowledgement log: the command prints a version once it is durable,
// and hands it to the operating system before it reads the next line.
Status ApplyLine(Invocation& call, Engine& engine, std::string_view text) {
  RAWKV_ASSIGN_OR_RETURN(const ChangeLine line, ParseChangeLine(text));
  RAWKV_ASSIGN_OR_RETURN(const Version version,
                         CommitBatch(engine, line.ToBatch(), {.expected_version = line.version}));
  return PrintVersion(call, version);
}

}  // namespace

Result<ExitStatus> RunApply(Invocation& call) {
  RAWKV_RETURN_IF_ERROR(StoreDirOf(call.flags).status());
  RAWKV_ASSIGN_OR_RETURN(Input input, Input::Open(call.arguments.front()));
  RAWKV_ASSIGN_OR_RETURN(const auto engine, OpenStore(call));
  LineReader lines(std::move(input));
  for (;;) {
    const Result<std::optional<std::string_view>> line = lines.Next();
    if (!line.ok()) return line.status().WithContext(lines.Place());
    if (!line->has_value()) break;
    if (IsBlankLine(**line)) continue;
    if (Status status = ApplyLine(call, *engine, **line); !status.ok())
      return status.WithContext(lines.Place());
    const LineReader::Position position = lines.position();
    call.ReportRows({.what = "apply", .done = position.done, .total = position.total, .unit = "bytes"});
  }
  RAWKV_RETURN_IF_ERROR(engine.Close());
  return ExitStatus::kDone;
}

}  // namespace rawkv::ctl
