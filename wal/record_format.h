#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/lineage_chain.h"
#include "base/types.h"
#include "base/uuid.h"

// The frame of a record or a watermark in the log. Layout: docs/formats/wal.md.
namespace rawkv {

// Frames begin at multiples of this, so that a reader can search for the next frame after a bad one.
inline constexpr uint64_t kFrameStepBytes = 64;
inline constexpr uint64_t kFrameHeaderBytes = 80;
// The commit time, which precedes a record's body. The payload checksum covers both.
inline constexpr uint64_t kRecordTimeBytes = 8;

enum class FrameKind : uint16_t {
  kRecord = 1,     // one version
  kWatermark = 2,  // only `durable_through`; carries the version of the record before it
};

struct FrameHeader {
  FrameKind kind = FrameKind::kRecord;
  uint32_t payload_bytes = 0;
  Version version;
  Lineage lineage;
  uint64_t offset = 0;         // of this frame in its segment, so that a copy at another place is invalid
  uint64_t prev_checksum = 0;  // header checksum of the preceding frame or segment header
  Version durable_through;     // log and payload were known to be durable up to here when it was written
  uint64_t payload_checksum = 0;
  uint64_t checksum = 0;  // of all fields above; the chain value for the next frame
};

// The seed of all frame checksums of a store. The frames of another store fail their checksums.
uint64_t FrameSeed(const Uuid& store_uuid);

// Bytes from the start of a frame to the start of the next one.
constexpr uint64_t FramedBytes(uint64_t payload_bytes) {
  return (kFrameHeaderBytes + payload_bytes + kFrameStepBytes - 1) / kFrameStepBytes * kFrameStepBytes;
}

// Appends a whole frame with its padding to *out, and returns its chain value. Fills in payload_bytes and
// both checksums of `head`. A watermark has neither time nor body.
uint64_t AppendFrame(FrameHeader head, uint64_t seed, uint64_t time_unix_ms, ConstBytes body,
                     std::string* out);

enum class FrameParse : uint8_t {
  kNone,   // no frame header of this store, or a damaged one
  kNewer,  // intact, of a format that this build does not know
  kValid,
};

// Parses the first kFrameHeaderBytes of `bytes`; fewer bytes give kNone. Sets *out only for kValid.
FrameParse ParseFrameHeader(ConstBytes bytes, uint64_t seed, FrameHeader* out);

// Whether the frame is on the chain (invariant 4). A new branch may write a watermark before its first
// record; that watermark carries the version of the fork. So a watermark is on the chain if its version or
// the next version is.
bool OnChain(const LineageChain& chain, const FrameHeader& frame);

}  // namespace rawkv
