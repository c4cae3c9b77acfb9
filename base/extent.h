#pragma once

#include <cstdint>
#include <vector>

#include "base/types.h"

namespace rawkv {

// A run of slots. Device, log and index use the same type.
struct Extent {
  SlotId first;
  SlotCount count;

  constexpr SlotId end() const { return first + count; }
  constexpr bool Overlaps(const Extent& o) const { return first < o.end() && o.first < end(); }
  friend constexpr bool operator==(const Extent&, const Extent&) = default;
};

// Payload bytes that one checksum covers.
inline constexpr uint64_t kPayloadChunkBytes = 256 * 1024;

// The place of a value's payload, and the checksums that verify it. The checksum of chunk i includes
// (device UUID, first slot, write id, i), so a stale or misdirected block never passes.
struct PayloadRef {
  std::vector<Extent> extents;  // in payload order; at least one
  WriteId write_id;
  uint64_t length = 0;                    // payload bytes, without headers and padding
  std::vector<uint64_t> chunk_checksums;  // ceil(length / kPayloadChunkBytes)

  friend bool operator==(const PayloadRef&, const PayloadRef&) = default;
};

inline uint64_t TotalSlots(const std::vector<Extent>& extents) {
  uint64_t n = 0;
  for (const Extent& e : extents) n += e.count.value();
  return n;
}

}  // namespace rawkv
