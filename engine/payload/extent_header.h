#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/types.h"
#include "base/uuid.h"

namespace rawkv {

// The header at the start of each extent of a store that was formatted with header_bytes. A scan of the
// device finds values by their headers. docs/formats/extent-header.md.
struct ExtentHeader {
  Uuid device_uuid;
  SlotId first_slot;  // of this extent; shows that a header is misplaced
  WriteId write_id;
  uint64_t value_bytes = 0;     // of the whole value
  uint64_t payload_offset = 0;  // where this extent's part begins in the value
  uint64_t payload_bytes = 0;   // in this extent
  uint32_t extent_index = 0;
  uint32_t extent_count = 0;
  uint64_t checksums_hash = 0;  // XXH3-64 over the list of chunk checksums, little endian
  std::string key;
  friend bool operator==(const ExtentHeader&, const ExtentHeader&) = default;
};

inline constexpr uint64_t kExtentHeaderFixedBytes = 112;

// The longest key that fits a header of `header_bytes`.
constexpr uint64_t MaxKeyBytesForHeader(uint64_t header_bytes) {
  return header_bytes - kExtentHeaderFixedBytes;
}

// Fills all of `out`, which has header_bytes; zeros follow the key.
void EncodeExtentHeader(const ExtentHeader& header, Bytes out);
// kCorruption: EncodeExtentHeader cannot have written these bytes.
Result<ExtentHeader> DecodeExtentHeader(ConstBytes bytes);

}  // namespace rawkv
