#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/types.h"

// The layouts in which one call carries many operations or entries; rawkv_c.h documents them byte by byte.
namespace rawkv::c {

// One operation of rawkv_batch_append.
struct PackedOperation {
  uint8_t kind = 0;   // 1 put, 2 delete, 3 delete range
  uint8_t flags = 0;  // RAWKV_IF_ABSENT, RAWKV_BORROW; only of a put
  std::string_view key;
  std::string_view value;  // of a delete range: its end
};
// The operations refer to `memory`. kInvalidArgument: the memory ends inside an operation, or a field is
// wrong.
Result<std::vector<PackedOperation>> UnpackOperations(std::string_view memory);

// One entry of rawkv_iterator_next_many.
struct PackedEntry {
  int32_t code = 0;
  std::string_view key;
  uint64_t value_bytes = 0;  // length of the value, also without it
  Version written_by;
  std::string_view value{};  // empty if it is left out
};
inline constexpr size_t kPackedEntryHead = 24;
// Writes the entry to the front of `out`, which has room for it, and returns its size.
size_t PackEntry(const PackedEntry& entry, Bytes out);

}  // namespace rawkv::c
