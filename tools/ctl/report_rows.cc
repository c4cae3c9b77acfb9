#include "tools/ctl/report_rows.h"

#include <fmt/format.h>

#include "engine/api/results.h"
#include "tools/cli/json_text.h"
#include "tools/cli/text_format.h"

namespace rawkv::ctl {
std::string RangesJson(const VersionRanges& ranges) {
  JsonArray out;
  for (const auto& [first, last] : ranges) {
    out.Raw(JsonArray().Number(first.value()).Number(last.value()).text());
  }
  return out.text();
}

std::string RangeText(Version first, Version last) {
  return first == last ? ToString(first) : fmt::format("{} to {}", first.value(), last.value());
}

std::string FindingJson(const Finding& finding) {
  JsonObject object;
  object.Text("kind", finding.kind).Text("where", finding.where);
  if (finding.version.has_value()) {
    object.Number("version", finding.version->value());
  } else {
    object.Null("version");
  }
  return object.Text("message", finding.message).text();
}

std::string FindingText(const Finding& finding) {
  const std::string version =
      finding.version.has_value() ? fmt::format(" (version {})", finding.version->value()) : "";
  return fmt::format("damage: {}: {}{}: {}\n", finding.kind, OneLine(finding.where), version,
                     OneLine(finding.message));
}

JsonObject CheckReportFields(const CheckReport& report) {
  JsonArray findings;
  for (const Finding& finding : report.findings) findings.Raw(FindingJson(finding));
  JsonObject object;
  object.Bool("ok", report.ok())
      .Bool("deep", report.deep)
      .Raw("findings", findings.text())
      .Raw("notes", JsonTexts(report.notes));
  return object;
}

std::string CheckReportText(const CheckReport& report) {
  std::string text;
  for (const Finding& finding : report.findings) text += FindingText(finding);
  for (const std::string& note : report.notes) text += fmt::format("note: {}\n", OneLine(note));
  return text + (report.ok() ? "ok\n" : fmt::format("{} findings\n", report.findings.size()));
}

std::string SnapshotJson(const SnapshotRow& row) {
  return JsonObject()
      .Number("version", row.version.value())
      .Text("lineage", ToHex(row.lineage.value()))
      .Number("created_unix_ms", row.created_unix_ms)
      .Number("files", row.files)
      .Number("bytes", row.bytes)
      .Bool("current", row.current)
      .Raw("pins", JsonTexts(row.pins))
      .text();
}

std::string FormatsJson(const FormatNumbers& formats) {
  return JsonObject()
      .Number("store", formats.store)
      .Number("wal", formats.wal)
      .Number("device", formats.device)
      .Number("snapshot", formats.snapshot)
      .text();
}

Status PrintFormatResult(Invocation& call, const FormatResult& made) {
  if (call.flags.json) {
    return call.out.Line(JsonObject()
                             .Text("store_uuid", made.store_uuid.ToString())
                             .Text("device_uuid", made.device_uuid.ToString())
                             .Text("device", made.device)
                             .Number("version", made.version.value())
                             .text());
  }
  return call.out.Write(fmt::format("store    {}\ndevice   {}\n         {}\nversion  {}\n",
                                    made.store_uuid.ToString(), made.device_uuid.ToString(),
                                    OneLine(made.device), made.version.value()));
}

Result<ExitStatus> PrintCheckReport(Invocation& call, const CheckReport& report) {
  const std::string text =
      call.flags.json ? CheckReportFields(report).text() + '\n' : CheckReportText(report);
  RAWKV_RETURN_IF_ERROR(call.out.Write(text));
  return report.ok() ? ExitStatus::kDone : ExitStatus::kNo;
}

}  // namespace rawkv::ctl
