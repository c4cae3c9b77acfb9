#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"
#include "base/types.h"
#include "base/uuid.h"

namespace rawkv {

struct Value {
  std::string bytes;
  Version written_by;
};

enum class CommitOutcome : uint8_t {
  kApplied,     // durable (or applied, when unsynced) and visible
  kNotApplied,  // nothing of it will ever be seen
  kUnknown,     // a sync failed on the way; reopen tells (invariant 10)
};

struct [[nodiscard]] CommitResult {
  Status status;
  CommitOutcome outcome = CommitOutcome::kNotApplied;
  Version version;  // valid when kApplied
  bool ok() const { return status.ok(); }
};

struct FormatResult {
  Uuid store_uuid, device_uuid;
  std::string device;
  Version version;
};

}  // namespace rawkv
