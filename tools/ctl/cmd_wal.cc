#include <fmt/format.h>

#include "engine/admin/inspect.h"
#include "tools/cli/json_text.h"
#include "tools/cli/text_format.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/report_rows.h"
#include "tools/ctl/store_access.h"

namespace rawkv::ctl {
namespace {

OrderedJson SegmentJson(const LogSegmentRow& row) {
  return OrderedJson{{"segment", row.segment},
                     {"first_version", row.first.value()},
                     {"last_version", row.last.value()},
                     {"bytes", row.bytes},
                     {"sealed", row.sealed}};
}

std::string SegmentText(const LogSegmentRow& row) {
  // A new segment holds nothing yet: its last version lies before its first.
  const std::string versions = row.last < row.first
                                   ? fmt::format("empty, from {}", row.first.value())
                                   : fmt::format("{} to {}", row.first.value(), row.last.value());
  return fmt::format("{}\t{}\t{}\t{}", row.segment, versions, row.bytes, row.sealed ? "sealed" : "open");
}

OrderedJson RecordJson(const LogRecordRow& row) {
  return OrderedJson{{"version", row.version.value()},   {"lineage", ToHex(row.lineage.value())},
                     {"time_unix_ms", row.time_unix_ms}, {"puts", row.puts},
                     {"deletes", row.deletes},           {"durable_through", row.durable_through.value()}};
}

std::string RecordText(const LogRecordRow& row) {
  return fmt::format("{}\t{}\t{}\t{} puts\t{} deletes\tdurable through {}", row.version.value(),
                     ToHex(row.lineage.value()), UtcTime(row.time_unix_ms), row.puts, row.deletes,
                     row.durable_through.value());
}

}  // namespace

Result<ExitStatus> RunWalList(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(const std::string dir, StoreDirOf(call.flags));
  const Result<std::vector<LogSegmentRow>> rows = ListLog(dir, OpenOptionsOf(call));
  if (!rows.ok()) return TurnAbsentIntoRefused(rows.status());
  for (const LogSegmentRow& row : *rows) {
    RAWKV_RETURN_IF_ERROR(call.out.Line(call.flags.json ? JsonText(SegmentJson(row)) : SegmentText(row)));
  }
  return ExitStatus::kDone;
}

Result<ExitStatus> RunWalDump(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(const std::string dir, StoreDirOf(call.flags));
  const Status status = DumpLog(dir, OpenOptionsOf(call), [&call](const LogRecordRow& row) {
    return call.out.Line(call.flags.json ? JsonText(RecordJson(row)) : RecordText(row));
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
