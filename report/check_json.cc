#include "report/check_json.h"

#include "report/info_json.h"

namespace rawkv {

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

OrderedJson CheckReportFields(const CheckReport& report) {
  return {{"ok", report.ok()},
          {"deep", report.deep},
          {"findings", FindingsJson(report.findings)},
          {"notes", report.notes}};
}

OrderedJson RepairJson(const CheckReport& report, const std::vector<RepairStep>& steps,
                       const RepairPlan& plan) {
  OrderedJson out = CheckReportFields(report);
  OrderedJson& rows = out["repaired"] = OrderedJson::array();
  for (const RepairStep& step : steps) {
    rows.push_back(OrderedJson{{"action", step.action},
                               {"where", step.where},
                               {"version", VersionJson(step.version)},
                               {"message", step.message}});
  }
  out["gives_up"] = RangesJson(plan.gives_up);
  out["pins_dropped"] = PinsJson(plan.pins_dropped);
  return out;
}

OrderedJson ScrubJson(const ScrubReport& report) {
  return OrderedJson{{"ok", report.findings_total == 0},
                     {"pass", report.pass},
                     {"resumed", report.resumed},
                     {"bytes", report.bytes},
                     {"records", report.records},
                     {"snapshots", report.snapshots},
                     {"payloads", report.payloads},
                     {"findings_total", report.findings_total},
                     {"findings", FindingsJson(report.findings)}};
}

OrderedJson VerdictJson(const SnapshotVerdict& verdict) {
  return OrderedJson{
      {"version", verdict.version.value()}, {"ok", verdict.errors.empty()}, {"errors", verdict.errors}};
}

OrderedJson LogSegmentJson(const LogSegmentRow& row) {
  return OrderedJson{{"segment", row.segment},
                     {"first_version", row.first.value()},
                     {"last_version", row.last.value()},
                     {"bytes", row.bytes},
                     {"sealed", row.sealed}};
}

OrderedJson TrimJson(const TrimReport& report) {
  return OrderedJson{{"slots", report.slots}, {"bytes", report.bytes}};
}

OrderedJson GrowJson(const GrowReport& report) {
  return OrderedJson{
      {"capacity_bytes", report.capacity}, {"slots", report.slots}, {"slots_before", report.slots_before}};
}

}  // namespace rawkv
