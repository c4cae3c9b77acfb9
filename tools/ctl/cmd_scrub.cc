#include <fmt/format.h>

#include "report/check_json.h"
#include "tools/cli/byte_size.h"
#include "tools/cli/text_format.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/report_rows.h"
#include "tools/ctl/store_access.h"

namespace rawkv::ctl {
namespace {

std::string ReportText(const ScrubReport& report) {
  std::string text;
  for (const Finding& finding : report.findings) text += FindingText(finding);
  text += fmt::format("pass {}{}: {} read, {}, {}, {}\n", report.pass, report.resumed ? " (resumed)" : "",
                      HumanBytes(report.bytes), Counted(report.records, "record"),
                      Counted(report.snapshots, "snapshot"), Counted(report.payloads, "payload"));
  return text + (report.findings_total == 0 ? "ok" : Counted(report.findings_total, "finding")) + '\n';
}

}  // namespace

Result<ExitStatus> RunScrub(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(const auto engine, OpenStore(call));
  const uint64_t total = EstimateReads(call, *engine).store_bytes;
  ScrubOptions options{.restart = call.flags.restart, .progress = WithTotal(call.progress.Callback(), total)};
  options.bytes_per_second = call.flags.rate.value_or(options.bytes_per_second);
  const Result<ScrubReport> report = engine->Scrub(options);
  call.progress.Wipe();
  RAWKV_RETURN_IF_ERROR(report.status());
  RAWKV_RETURN_IF_ERROR(
      call.out.Write(call.flags.json ? JsonText(ScrubJson(*report)) + '\n' : ReportText(*report)));
  RAWKV_RETURN_IF_ERROR(engine.Close());
  return report->findings_total == 0 ? ExitStatus::kDone : ExitStatus::kNo;
}

}  // namespace rawkv::ctl
