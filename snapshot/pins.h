#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/fs.h"
#include "base/result.h"
#include "base/types.h"

namespace rawkv {

// Named pins: an operator's holds on versions, by name.
using PinTable = std::map<std::string, Version, std::less<>>;

// kInvalidArgument unless the name has 1 to 255 bytes of printable UTF-8 without '/' and control characters.
Status ValidatePinName(std::string_view name);

// The pins by which keep_tiers holds snapshots have this prefix and the version. Nobody else may take such a
// name, and they block no rollback.
inline constexpr std::string_view kTierPinPrefix = "keep_tiers:";
inline bool IsTierPin(std::string_view name) {
  return name.starts_with(kTierPinPrefix);
}
std::string TierPinName(Version version);

// The PINS file of a store directory; an absent file is an empty table. Format: docs/formats/pins.md.
Result<PinTable> LoadPins(Fs& fs, const std::string& store_dir);
Status SavePins(Fs& fs, const std::string& store_dir, const PinTable& pins);  // atomic, durable

}  // namespace rawkv
