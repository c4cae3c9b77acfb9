#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/admin/inspect.h"
#include "engine/api/results.h"
#include "engine/api/version_range.h"
#include "tools/ctl/command.h"

// Rows and documents that more than one command prints.
namespace rawkv::ctl {

// "3", "3 to 5".
std::string RangeText(Version first, Version last);

// Prints the result of `format` or `import`.
Status PrintFormatResult(Invocation& call, const FormatResult& made);

// A finding as the line "damage: …".
std::string FindingText(const Finding& finding);

// The text lines with which every report of a check ends. The last line is "ok", or counts the findings and
// names `also_left`, other damage that is left.
std::string CheckReportText(const CheckReport& report, const std::string& also_left = "");

// Prints the report of `fsck` or `wal verify`; kNo if there is damage.
Result<ExitStatus> PrintCheckReport(Invocation& call, const CheckReport& report);

}  // namespace rawkv::ctl
