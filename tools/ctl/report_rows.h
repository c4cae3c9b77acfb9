#pragma once

#include <string>
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
std::string SnapshotJson(const SnapshotRow& row);

// {"store":1,"wal":1,"device":1,"snapshot":1}
std::string FormatsJson(const FormatNumbers& formats);

// [[first,last],…]; "3", "3 to 5".
std::string RangesJson(const VersionRanges& ranges);
std::string RangeText(Version first, Version last);

// Prints the result of `format` or `import`.
Status PrintFormatResult(Invocation& call, const FormatResult& made);

// A finding as {"kind","where","version","message"}, and as the line "damage: …".
std::string FindingJson(const Finding& finding);
std::string FindingText(const Finding& finding);

// The JSON fields with which every report of a check begins, and the text lines with which it ends.
JsonObject CheckReportFields(const CheckReport& report);
std::string CheckReportText(const CheckReport& report);

// Prints the report of `fsck` or `wal verify`; kNo if there is damage.
Result<ExitStatus> PrintCheckReport(Invocation& call, const CheckReport& report);

}  // namespace rawkv::ctl
