#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/admin/inspect.h"
#include "engine/api/results.h"
#include "engine/api/version_range.h"
#include "tools/cli/json_text.h"
#include "tools/ctl/command.h"

// Rows and documents that more than one command prints.
namespace rawkv::ctl {

// A row of `snapshot list`, and of info's "snapshots".
OrderedJson SnapshotJson(const SnapshotRow& row);

// {"store":1,"wal":1,"device":1,"snapshot":1}
OrderedJson FormatsJson(const FormatNumbers& formats);

// [[first,last],…]; "3", "3 to 5".
OrderedJson RangesJson(const VersionRanges& ranges);
std::string RangeText(Version first, Version last);

// Prints the result of `format` or `import`.
Status PrintFormatResult(Invocation& call, const FormatResult& made);

// [{"name","version"},…]
OrderedJson PinsJson(const std::vector<std::pair<std::string, Version>>& pins);

// Findings as [{"kind","where","version","message"},…]; one as the line "damage: …".
OrderedJson FindingsJson(const std::vector<Finding>& findings);
std::string FindingText(const Finding& finding);

// The JSON fields with which every report of a check begins, and the text lines with which it ends. The last
// line is "ok", or counts the findings and names `also_left`, other damage that is left.
OrderedJson CheckReportFields(const CheckReport& report);
std::string CheckReportText(const CheckReport& report, const std::string& also_left = "");

// Prints the report of `fsck` or `wal verify`; kNo if there is damage.
Result<ExitStatus> PrintCheckReport(Invocation& call, const CheckReport& report);

}  // namespace rawkv::ctl
