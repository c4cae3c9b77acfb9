#include "tools/ctl/report_rows.h"

#include <fmt/format.h>

#include "engine/api/results.h"
#include "report/check_json.h"
#include "tools/cli/text_format.h"
#include "tools/ctl/hints.h"

namespace rawkv::ctl {
std::string RangeText(Version first, Version last) {
  return first == last ? ToString(first) : fmt::format("{} to {}", first.value(), last.value());
}

std::string FindingText(const Finding& finding) {
  const std::string version =
      finding.version.has_value() ? fmt::format(" (version {})", finding.version->value()) : "";
  return fmt::format("damage: {}: {}{}: {}\n", finding.kind, OneLine(finding.where), version,
                     OneLine(finding.message));
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
