#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/byte_codec.h"
#include "base/result.h"
#include "engine/api/settings.h"

namespace rawkv {

// The list of settings in STORE: those with a number (Setting::stored) whose value is not the default
// (docs/formats/store.md). The other settings have fields of their own there.

// The value of one setting, as the list and the control messages (docs/formats/control.md) hold it.
std::string EncodeSettingValue(uint64_t value);
std::string EncodeSettingValue(Durability value);
std::string EncodeSettingValue(const KeepTiers& value);
// Return whether the bytes are one value. If not, `out` is unspecified.
bool DecodeSettingValue(std::string_view bytes, uint64_t* out);
bool DecodeSettingValue(std::string_view bytes, Durability* out);
bool DecodeSettingValue(std::string_view bytes, KeepTiers* out);

// Whether the list has anything; an empty one is not written.
bool HasStoredSettings(const RuntimeSettings& settings);
void EncodeStoredSettings(const RuntimeSettings& settings, ByteWriter* out);
// Sets the settings that the list names. kCorruption: the list is damaged, empty or not in order.
// kNotSupported: it names a setting of a newer rawkv.
Status DecodeStoredSettings(ByteReader* in, RuntimeSettings* out);

}  // namespace rawkv
