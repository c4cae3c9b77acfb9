#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/fs.h"
#include "base/result.h"
#include "base/types.h"

namespace rawkv {

// Named pins: an operator's hold on a version, by name. Names: 1–255 bytes of printable UTF-8
// without '/' and control characters (kInvalidArgument otherwise).
using PinTable = std::map<std::string, Version, std::less<>>;

Status ValidatePinName(std::string_view name);

// PINS file of a store directory; an absent file is an empty table. docs/formats/pins.md.
Result<PinTable> LoadPins(Fs& fs, const std::string& store_dir);
Status SavePins(Fs& fs, const std::string& store_dir, const PinTable& pins);  // atomic, durable

}  // namespace rawkv
