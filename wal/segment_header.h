#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/types.h"
#include "base/uuid.h"

namespace rawkv {

// The header takes a whole block, so that no frame shares a page or a sector with it. It is written once,
// before the segment has its name, and no later torn write can damage it.
inline constexpr uint64_t kSegmentHeaderBytes = 4096;

// Layout: docs/formats/wal.md.
struct SegmentHeader {
  Uuid store_uuid;
  Lineage lineage;             // the branch that made the segment
  Version first;               // version of its first record; the file is named after it
  uint64_t prev_checksum = 0;  // chain value at the predecessor's end; 0 where the log begins
  uint64_t checksum = 0;       // chain value for the segment's first frame; encode and decode fill it in
};

// Returns kSegmentHeaderBytes bytes, and sets header->checksum.
std::string EncodeSegmentHeader(SegmentHeader* header);

// kCorruption for damage, kNotSupported for a newer format. Messages name `path`.
Result<SegmentHeader> DecodeSegmentHeader(ConstBytes bytes, const std::string& path);

}  // namespace rawkv
