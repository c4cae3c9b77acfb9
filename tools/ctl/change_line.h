#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "engine/api/write_batch.h"

namespace rawkv::ctl {

// One line of `apply`: a change set as the user wrote it (docs/cli.md). The values are read from their files.
struct ChangeLine {
  std::optional<Version> version;  // the version that the commit must produce
  std::vector<std::pair<std::string, std::string>> puts;
  std::vector<std::string> deletes;
  std::string metadata;

  // The batch borrows the values, so this object must outlive it.
  WriteBatch ToBatch() const;
};

// Strict. kInvalidArgument for bad JSON, an unknown or repeated field, a key that occurs twice, no value or
// two kinds of value, or a value file that cannot be read. The message does not contain the line's number.
Result<ChangeLine> ParseChangeLine(std::string_view text);

// Whether the line has only white space; `apply` skips such lines.
bool IsBlankLine(std::string_view text);

}  // namespace rawkv::ctl
