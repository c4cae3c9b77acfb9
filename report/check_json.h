#pragma once

#include <vector>

#include "engine/admin/inspect.h"
#include "engine/admin/repair.h"
#include "engine/api/device.h"
#include "engine/api/scrub.h"
#include "report/json_text.h"

// What a check, a scrub or a repair found, and what was done to the device, as JSON. docs/cli.md lists the
// fields.
namespace rawkv {

// [{"kind","where","version","message"},…]
OrderedJson FindingsJson(const std::vector<Finding>& findings);
// The fields with which every report of a check begins.
OrderedJson CheckReportFields(const CheckReport& report);
// A report, and the steps and the cost of a repair.
OrderedJson RepairJson(const CheckReport& report, const std::vector<RepairStep>& steps,
                       const RepairPlan& plan);
OrderedJson ScrubJson(const ScrubReport& report);
OrderedJson VerdictJson(const SnapshotVerdict& verdict);
OrderedJson LogSegmentJson(const LogSegmentRow& row);
OrderedJson TrimJson(const TrimReport& report);
OrderedJson GrowJson(const GrowReport& report);

}  // namespace rawkv
