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

// The PINS file of a store directory; an absent file is an empty table. Format: docs/formats/pins.md.
Result<PinTable> LoadPins(Fs& fs, const std::string& store_dir);
Status SavePins(Fs& fs, const std::string& store_dir, const PinTable& pins);  // atomic, durable

}  // namespace rawkv
