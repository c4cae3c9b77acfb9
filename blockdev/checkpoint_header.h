#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "base/types.h"
#include "base/uuid.h"

namespace rawkv {

inline constexpr uint32_t kCheckpointFormat = 1;
inline constexpr uint64_t kCheckpointHeaderBytes = 4096;

// The first block of a half of the metadata region. It makes the content after it valid, so it is written
// last. docs/formats/checkpoint.md.
struct CheckpointHeader {
  Uuid device_uuid;
  Uuid store_uuid;
  uint64_t sequence = 0;  // from 1; the valid half with the higher number is the newer one
  // The owner's fields, which are plain numbers to this layer.
  uint64_t owner_lineage = 0;
  uint64_t owner_version = 0;
  uint64_t created_unix_ms = 0;
  uint64_t records = 0;           // in the content
  uint64_t content_bytes = 0;     // after this header; a multiple of kBlockAlign, not 0
  uint64_t content_checksum = 0;  // XXH3-64 over the checksums of all blocks of the content, in order

  friend bool operator==(const CheckpointHeader&, const CheckpointHeader&) = default;
};

// DecodeCheckpointHeader returns kNotFound for a block without the magic, kCorruption for damage and
// kNotSupported for a newer format.
std::array<std::byte, kCheckpointHeaderBytes> EncodeCheckpointHeader(const CheckpointHeader& header);
Result<CheckpointHeader> DecodeCheckpointHeader(ConstBytes block);

}  // namespace rawkv
