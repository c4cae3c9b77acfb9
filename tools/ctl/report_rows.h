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

// What `format` and `import` made.
Status PrintMadeStore(Invocation& call, const FormatResult& made);

// {"kind","where","version","message"}, and the line "damage: …".
std::string FindingJson(const Finding& finding);
std::string FindingText(const Finding& finding);

// Fields and lines that every check's answer begins or ends with.
JsonObject CheckReportFields(const CheckReport& report);
std::string CheckReportText(const CheckReport& report);

// The answer of `fsck` and `wal verify`; kNo when there is damage.
Result<ExitStatus> PrintCheckReport(Invocation& call, const CheckReport& report);

}  // namespace rawkv::ctl
