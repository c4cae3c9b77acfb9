#include <fmt/format.h>

#include "engine/admin/inspect.h"
#include "report/check_json.h"
#include "tools/cli/text_format.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/report_rows.h"
#include "tools/ctl/store_access.h"
#include "tools/ctl/table.h"

namespace rawkv::ctl {
namespace {

std::vector<std::string> SegmentCells(const LogSegmentRow& row) {
  // A new segment holds nothing yet: its last version lies before its first.
  const std::string versions = row.last < row.first
                                   ? fmt::format("empty, from {}", row.first.value())
                                   : fmt::format("{} to {}", row.first.value(), row.last.value());
  return {row.segment, versions, std::to_string(row.bytes), row.sealed ? "sealed" : "open"};
}

OrderedJson RecordJson(const LogRecordRow& row) {
  return OrderedJson{{"version", row.version.value()},   {"lineage", ToHex(row.lineage.value())},
                     {"time_unix_ms", row.time_unix_ms}, {"puts", row.puts},
                     {"deletes", row.deletes},           {"durable_through", row.durable_through.value()}};
}

std::vector<std::string> RecordCells(const LogRecordRow& row) {
  return {ToString(row.version),          ToHex(row.lineage.value()),
          UtcTime(row.time_unix_ms),      Counted(row.puts, "put"),
          Counted(row.deletes, "delete"), fmt::format("durable through {}", row.durable_through.value())};
}

}  // namespace

Result<ExitStatus> RunWalList(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(const std::string dir, StoreDirOf(call.flags));
  const Result<std::vector<LogSegmentRow>> rows = ListLog(dir, OpenOptionsOf(call));
  if (!rows.ok()) return TurnAbsentIntoRefused(rows.status());
  Table table(call.out, {{"SEGMENT", 24}, {"VERSIONS", 24}, {"BYTES", 12}, {"STATE", 1}});
  for (const LogSegmentRow& row : *rows) {
    RAWKV_RETURN_IF_ERROR(call.flags.json ? call.out.Line(JsonText(LogSegmentJson(row)))
                                          : table.Row(SegmentCells(row)));
  }
  return ExitStatus::kDone;
}

Result<ExitStatus> RunWalDump(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(const std::string dir, StoreDirOf(call.flags));
  Table table(
      call.out,
      {{"VERSION", 10}, {"LINEAGE", 16}, {"TIME", 20}, {"PUTS", 10}, {"DELETES", 10}, {"DURABLE", 1}});
  const Status status = DumpLog(dir, OpenOptionsOf(call), [&](const LogRecordRow& row) {
    return call.flags.json ? call.out.Line(JsonText(RecordJson(row))) : table.Row(RecordCells(row));
  });
  RAWKV_RETURN_IF_ERROR(TurnAbsentIntoRefused(status));
  return ExitStatus::kDone;
}

Result<ExitStatus> RunWalVerify(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(const std::string dir, StoreDirOf(call.flags));
  const Result<CheckReport> report = VerifyLog(dir, OpenOptionsOf(call));
  call.progress.Wipe();
  if (!report.ok()) return TurnAbsentIntoRefused(report.status());
  return PrintCheckReport(call, *report);
}

}  // namespace rawkv::ctl
