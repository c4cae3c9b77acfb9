#pragma once

#include <string>
#include <string_view>

#include "base/fs.h"
#include "base/result.h"
#include "base/types.h"

namespace rawkv {

// ROLLBACK: the rollback that is under way; exists only meanwhile. docs/formats/rollback.md.
struct RollbackMarker {
  Version from;  // tip when it began
  Version target;
  Version base;         // snapshot that working.new/ is built from
  Lineage new_lineage;  // in STORE once the switch has happened
  friend bool operator==(const RollbackMarker&, const RollbackMarker&) = default;
};

std::string EncodeRollbackMarker(const RollbackMarker& marker);
Result<RollbackMarker> DecodeRollbackMarker(std::string_view file);

// Durable when it returns.
Status SaveRollbackMarker(Fs& fs, const std::string& path, const RollbackMarker& marker);
// kNotFound: none is under way.
Result<RollbackMarker> LoadRollbackMarker(Fs& fs, const std::string& path);

}  // namespace rawkv
