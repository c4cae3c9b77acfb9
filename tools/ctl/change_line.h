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

// One line of `apply`: a change set as the user wrote it (docs/cli.md), values read from their files.
struct ChangeLine {
  std::optional<Version> version;  // that it must become
  std::vector<std::pair<std::string, std::string>> puts;
  std::vector<std::string> deletes;
  std::string metadata;

  // Borrows the values: this object must stay while the batch is used.
  WriteBatch ToBatch() const;
};

// Strict: kInvalidArgument for bad JSON, an unknown or repeated field, a key twice, two kinds of value or
// none, a value file that cannot be read; the message does not know the line's number.
Result<ChangeLine> ParseChangeLine(std::string_view text);

// Whether `apply` skips it.
bool IsBlankLine(std::string_view text);

}  // namespace rawkv::ctl
