#pragma once

#include <string>
#include <string_view>

#include "base/fs.h"
#include "base/result.h"
#include "base/types.h"

namespace rawkv {

// The file ROLLBACK. It exists only while a rollback is under way. docs/formats/rollback.md.
struct RollbackMarker {
  Version from;  // the tip when the rollback began
  Version target;
  Version base;         // snapshot from which working.new/ is built
  Lineage new_lineage;  // STORE's chain has it after the switch
  friend bool operator==(const RollbackMarker&, const RollbackMarker&) = default;
};

std::string EncodeRollbackMarker(const RollbackMarker& marker);
Result<RollbackMarker> DecodeRollbackMarker(std::string_view file);

// The marker is durable when this returns.
Status SaveRollbackMarker(Fs& fs, const std::string& path, const RollbackMarker& marker);
// kNotFound: no rollback is under way.
Result<RollbackMarker> LoadRollbackMarker(Fs& fs, const std::string& path);

}  // namespace rawkv
