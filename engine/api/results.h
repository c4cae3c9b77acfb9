#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/types.h"
#include "base/uuid.h"

namespace rawkv {

struct Value {
  std::string bytes;
  Version written_by;  // the version that wrote the value
};

enum class CommitOutcome : uint8_t {
  kApplied,     // visible and durable (in the mode kUnsafeUnsynced: visible)
  kNotApplied,  // no part of the commit will ever be visible
  kUnknown,     // an error after the log was written; a reopen decides (invariant 10)
};

struct [[nodiscard]] CommitResult {
  Status status;
  CommitOutcome outcome = CommitOutcome::kNotApplied;
  Version version;  // valid with kApplied
  // With kApplied: the operations of the batch that WriteBatch::PutIfAbsent left out, since their keys
  // existed, as ascending indexes. All others were applied.
  std::vector<uint32_t> existed{};
  bool ok() const { return status.ok(); }
};

struct FormatResult {
  Uuid store_uuid, device_uuid;
  std::string device;  // path
  Version version;     // the initial version
};

}  // namespace rawkv
