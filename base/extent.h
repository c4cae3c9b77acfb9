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
constexpr uint64_t PayloadChunks(uint64_t payload_bytes) {
  return payload_bytes / kPayloadChunkBytes + (payload_bytes % kPayloadChunkBytes != 0 ? 1 : 0);
}

// The place of a value's payload, and the checksums that verify it. The checksum of chunk i includes
// (device UUID, first slot, write id, i), so a stale or misdirected block never passes.
struct PayloadRef {
  std::vector<Extent> extents;  // in payload order; at least one
  WriteId write_id;
  uint64_t length = 0;                    // payload bytes, without headers and padding
  std::vector<uint64_t> chunk_checksums;  // PayloadChunks(length) of them

  friend bool operator==(const PayloadRef&, const PayloadRef&) = default;
};

// What is wrong with the reference by itself, on whatever device; null if nothing is. Does not compare
// extents with each other, since a look-up should not sort them: the change set keeps them apart, and fsck
// checks it.
const char* FindPayloadFault(const PayloadRef& ref);

inline uint64_t TotalSlots(const std::vector<Extent>& extents) {
  uint64_t n = 0;
  for (const Extent& e : extents) n += e.count.value();
  return n;
}

}  // namespace rawkv
