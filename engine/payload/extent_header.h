#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/types.h"
#include "base/uuid.h"

namespace rawkv {

// What stands at the start of an extent when the device was formatted with header_bytes: enough to
// find the value again by scanning the device. docs/formats/extent-header.md.
struct ExtentHeader {
  Uuid device_uuid;
  SlotId first_slot;  // of this extent: a misplaced header is known
  WriteId write_id;
  uint64_t value_bytes = 0;     // of the whole value
  uint64_t payload_offset = 0;  // where this extent's part begins in it
  uint64_t payload_bytes = 0;   // in this extent
  uint32_t extent_index = 0;
  uint32_t extent_count = 0;
  uint64_t checksums_hash = 0;  // XXH3-64 over the list of chunk checksums, little endian
  std::string key;
  friend bool operator==(const ExtentHeader&, const ExtentHeader&) = default;
};

inline constexpr uint64_t kExtentHeaderFixedBytes = 112;

// Longest key that a header of `header_bytes` can name.
constexpr uint64_t MaxKeyBytesForHeader(uint64_t header_bytes) {
  return header_bytes - kExtentHeaderFixedBytes;
}

// Fills all of `out` (header_bytes, zeros behind the key).
void EncodeExtentHeader(const ExtentHeader& header, Bytes out);
// kCorruption for anything that Encode could not have written.
Result<ExtentHeader> DecodeExtentHeader(ConstBytes bytes);

}  // namespace rawkv
