#pragma once

#include "base/byte_codec.h"
#include "base/result.h"
#include "engine/api/settings.h"

namespace rawkv {

// The list of settings in STORE: those with a number (Setting::stored) whose value is not the default
// (docs/formats/store.md). The other settings have fields of their own there.

// Whether the list has anything; an empty one is not written.
bool HasStoredSettings(const RuntimeSettings& settings);
void EncodeStoredSettings(const RuntimeSettings& settings, ByteWriter* out);
// Sets the settings that the list names. kCorruption: the list is damaged, empty or not in order.
// kNotSupported: it names a setting of a newer rawkv.
Status DecodeStoredSettings(ByteReader* in, RuntimeSettings* out);

}  // namespace rawkv
