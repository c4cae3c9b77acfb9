#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/lineage_chain.h"
#include "base/types.h"
#include "base/uuid.h"

// The frame that every record and watermark of the log travels in. Layout: docs/formats/wal.md.
namespace rawkv {

// Frames begin at multiples of this, so that a reader can look for the next one behind a bad one.
inline constexpr uint64_t kFrameStepBytes = 64;
inline constexpr uint64_t kFrameHeaderBytes = 80;
// The commit time, in front of a record's body and under the same checksum.
inline constexpr uint64_t kRecordTimeBytes = 8;

enum class FrameKind : uint16_t {
  kRecord = 1,     // one version
  kWatermark = 2,  // only says what is durable; carries the version of the record before it
};

struct FrameHeader {
  FrameKind kind = FrameKind::kRecord;
  uint32_t payload_bytes = 0;
  Version version;
  Lineage lineage;
  uint64_t offset = 0;         // of this frame in its segment: a frame copied elsewhere is not one
  uint64_t prev_checksum = 0;  // header checksum of what it follows
  Version durable_through;     // log and payload known durable up to here when this was written
  uint64_t payload_checksum = 0;
  uint64_t checksum = 0;  // of all above; the chain value for the next frame
};

// What all checksums of a store's frames are seeded with, so that another store's never pass.
uint64_t FrameSeed(const Uuid& store_uuid);

// Bytes from a frame's start to the next one's.
constexpr uint64_t FramedBytes(uint64_t payload_bytes) {
  return (kFrameHeaderBytes + payload_bytes + kFrameStepBytes - 1) / kFrameStepBytes * kFrameStepBytes;
}

// Appends a whole frame, padding included, and returns its chain value. payload_bytes and both
// checksums of `head` are filled in here; a watermark has neither time nor body.
uint64_t AppendFrame(FrameHeader head, uint64_t seed, uint64_t time_unix_ms, ConstBytes body,
                     std::string* out);

enum class FrameParse : uint8_t {
  kNone,   // no frame header of this store, or a damaged one
  kNewer,  // intact, of a format that this build does not know
  kValid,
};

// Parses the first kFrameHeaderBytes of `bytes` (fewer: kNone). *out is touched only when kValid.
FrameParse ParseFrameHeader(ConstBytes bytes, uint64_t seed, FrameHeader* out);

// Whether the frame belongs to the present branch's history (invariant 4). A watermark written
// by a new branch before its first record carries the fork's own version, so it counts if either
// that version or the next is the branch's.
bool OnChain(const LineageChain& chain, const FrameHeader& frame);

}  // namespace rawkv
