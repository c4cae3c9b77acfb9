#include "tools/ctl/report_rows.h"

#include <fmt/format.h>

#include "engine/api/results.h"
#include "tools/cli/json_text.h"
#include "tools/cli/text_format.h"
#include "tools/ctl/hints.h"

namespace rawkv::ctl {
OrderedJson RangesJson(const VersionRanges& ranges) {
  OrderedJson out = OrderedJson::array();
  for (const auto& [first, last] : ranges) {
    out.push_back(OrderedJson::array({first.value(), last.value()}));
  }
  return out;
}

std::string RangeText(Version first, Version last) {
  return first == last ? ToString(first) : fmt::format("{} to {}", first.value(), last.value());
}

OrderedJson FindingsJson(const std::vector<Finding>& findings) {
  OrderedJson out = OrderedJson::array();
  for (const Finding& finding : findings) {
    out.push_back(OrderedJson{{"kind", finding.kind},
                              {"where", finding.where},
                              {"version", VersionJson(finding.version)},
                              {"message", finding.message}});
  }
  return out;
}

OrderedJson PinsJson(const std::vector<std::pair<std::string, Version>>& pins) {
  OrderedJson out = OrderedJson::array();
  for (const auto& [name, version] : pins) {
    out.push_back(OrderedJson{{"name", name}, {"version", version.value()}});
  }
  return out;
}

std::string FindingText(const Finding& finding) {
  const std::string version =
      finding.version.has_value() ? fmt::format(" (version {})", finding.version->value()) : "";
  return fmt::format("damage: {}: {}{}: {}\n", finding.kind, OneLine(finding.where), version,
                     OneLine(finding.message));
}

OrderedJson CheckReportFields(const CheckReport& report) {
  return {{"ok", report.ok()},
          {"deep", report.deep},
          {"findings", FindingsJson(report.findings)},
          {"notes", report.notes}};
}

std::string CheckReportText(const CheckReport& report, const std::string& also_left) {
  std::string text;
  for (const Finding& finding : report.findings) text += FindingText(finding);
  for (const std::string& note : report.notes) text += fmt::format("note: {}\n", OneLine(note));
  std::vector<std::string> left;
  if (!report.ok()) left.push_back(Counted(report.findings.size(), "finding"));
  if (!also_left.empty()) left.push_back(also_left);
  return text + (left.empty() ? "ok" : fmt::format("{}", fmt::join(left, ", "))) + '\n';
}

OrderedJson SnapshotJson(const SnapshotRow& row) {
  return OrderedJson{{"version", row.version.value()},
                     {"lineage", ToHex(row.lineage.value())},
                     {"created_unix_ms", row.created_unix_ms},
                     {"files", row.files},
                     {"bytes", row.bytes},
                     {"current", row.current},
                     {"pins", row.pins},
                     {"by_log_bytes", row.by_log_bytes}};
}

OrderedJson FormatsJson(const FormatNumbers& formats) {
  return OrderedJson{{"store", formats.store},
                     {"wal", formats.wal},
                     {"device", formats.device},
                     {"snapshot", formats.snapshot}};
}

Status PrintFormatResult(Invocation& call, const FormatResult& made) {
  if (call.flags.json) {
    return call.out.Line(JsonText(OrderedJson{{"store_uuid", made.store_uuid.ToString()},
                                              {"device_uuid", made.device_uuid.ToString()},
                                              {"device", made.device},
                                              {"version", made.version.value()}}));
  }
  return call.out.Write(fmt::format("store    {}\ndevice   {}\n         {}\nversion  {}\n",
                                    made.store_uuid.ToString(), made.device_uuid.ToString(),
                                    OneLine(made.device), made.version.value()));
}

Result<ExitStatus> PrintCheckReport(Invocation& call, const CheckReport& report) {
  const std::string text = call.flags.json ? JsonText(CheckReportFields(report)) + '\n'
                                           : CompleteHints(CheckReportText(report), call.flags);
  RAWKV_RETURN_IF_ERROR(call.out.Write(text));
  return report.ok() ? ExitStatus::kDone : ExitStatus::kNo;
}

}  // namespace rawkv::ctl
