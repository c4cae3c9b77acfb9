#include <string>
#include <vector>

#include "report/history_json.h"
#include "tools/cli/text_format.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/store_access.h"
#include "tools/ctl/table.h"

namespace rawkv::ctl {
namespace {

std::vector<std::string> RowCells(const KeyDifference& d) {
  const auto size = [](const auto& state) { return state ? std::to_string(state->value_bytes) : "-"; };
  const auto version = [](const auto& state) { return state ? ToString(state->written_by) : "-"; };
  return {std::string(ChangeOf(d)), EscapeKey(d.key), size(d.from), size(d.to),
          version(d.from),          version(d.to)};
}

Status PrintDifferences(Invocation& call, Engine& engine, const DiffOptions& options) {
  Table table(
      call.out,
      {{"CHANGE", 7}, {"KEY", 32}, {"SIZE A", 10}, {"SIZE B", 10}, {"VERSION A", 10}, {"VERSION B", 1}});
  return engine.Diff(options, [&](const KeyDifference& difference) {
    call.progress.Wipe();
    return call.flags.json ? call.out.Line(JsonText(DifferenceJson(difference)))
                           : table.Row(RowCells(difference));
  });
}

}  // namespace

Result<ExitStatus> RunDiff(Invocation& call) {
  const Flags& flags = call.flags;
  RAWKV_ASSIGN_OR_RETURN(const VersionBound from, ParseVersionBound("from", flags.from));
  RAWKV_ASSIGN_OR_RETURN(const VersionBound to, ParseVersionBound("to", flags.to));
  if (!from.has_value() || !to.has_value()) {
    return Status::InvalidArgument("the versions are missing; give --from=A and --to=B");
  }
  RAWKV_ASSIGN_OR_RETURN(const auto engine, OpenStoreToRead(call));
  DiffOptions options{.prefix = flags.prefix.value_or(""), .limit = flags.limit.value_or(0)};
  RAWKV_ASSIGN_OR_RETURN(options.from, ResolveBound(*engine, from));
  RAWKV_ASSIGN_OR_RETURN(options.to, ResolveBound(*engine, to));
  RAWKV_RETURN_IF_ERROR(PrintDifferences(call, *engine, options));
  call.progress.Wipe();
  RAWKV_RETURN_IF_ERROR(engine.Close());
  return ExitStatus::kDone;
}

}  // namespace rawkv::ctl
