#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/index/allocation_page.h"

// A deferred free is written twice: by slot, so that an allocation finds what it overlaps, and by the
// version that freed it, so that reclaiming walks in order. Each is enough alone. docs/formats/index.md.
namespace rawkv {

std::string EncodeDeferredBySlot(const DeferredFree& entry);
std::string EncodeDeferredByVersion(const DeferredFree& entry);

// From a key and value of that space. kCorruption for anything that could not have been written.
Result<DeferredFree> DecodeDeferredBySlot(std::string_view key, std::string_view value);
Result<DeferredFree> DecodeDeferredByVersion(std::string_view key, std::string_view value);

}  // namespace rawkv
