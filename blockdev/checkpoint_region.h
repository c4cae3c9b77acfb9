#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "blockdev/block_device.h"
#include "blockdev/checkpoint_header.h"
#include "blockdev/superblock.h"

namespace rawkv {

// The metadata region of a device: two halves, each with a header and the blocks of one checkpoint
// (docs/formats/checkpoint.md). Knows nothing of what the blocks contain.
//
// One caller at a time may write; others may read meanwhile. Errors: kIoError.
class CheckpointRegion {
 public:
  static constexpr int kHalves = 2;
  static constexpr uint64_t kBlockBytes = 256 << 10;  // on the device; the last block may be shorter
  static constexpr uint64_t kBlockHeaderBytes = 24;
  static constexpr uint64_t kBlockPayloadBytes = kBlockBytes - kBlockHeaderBytes;

  // Both must outlive the region.
  CheckpointRegion(BlockDevice& device, const DeviceLayout& layout)
      : device_(device), offset_(layout.metadata_offset), half_bytes_(layout.metadata_bytes / kHalves) {}

  // Of the content of one half.
  uint64_t content_bytes_max() const { return half_bytes_ - kCheckpointHeaderBytes; }
  // "checkpoint A of PATH".
  std::string NameOf(int half) const;

  struct Half {
    Status status;  // of the header: kNotFound, kCorruption, kNotSupported, kIoError
    std::optional<CheckpointHeader> header;
  };
  std::array<Half, kHalves> Inspect();

  // Overwrites the header of a half with zeros, and flushes the device.
  Status Erase(int half);
  // Writes the header of a half, and flushes the device. The content must be durable.
  Status WriteHeader(int half, const CheckpointHeader& header);
  // Calls `fn` with the payload of each block in order. Each block's checksum has passed before; that of the
  // content as a whole is checked at the end. So what `fn` got is complete only if this returns ok.
  // kCorruption; the error of `fn`. Needs the memory of one block.
  Status ReadContent(int half, const CheckpointHeader& header,
                     const std::function<Status(std::string_view payload)>& fn);

  Status Flush() { return device_.Flush(); }

 private:
  friend class CheckpointBlockWriter;
  DeviceOffset OffsetOf(int half) const {
    return DeviceOffset(offset_ + static_cast<uint64_t>(half) * half_bytes_);
  }

  BlockDevice& device_;
  const uint64_t offset_;
  const uint64_t half_bytes_;
};

// Writes the blocks of one checkpoint, in order. Needs the memory of one block. Not thread-safe.
class CheckpointBlockWriter {
 public:
  // `sequence` is that of the header that will follow. The half must be erased.
  CheckpointBlockWriter(CheckpointRegion& region, int half, uint64_t sequence)
      : region_(region), half_(half), sequence_(sequence), buffer_(CheckpointRegion::kBlockBytes) {}

  // Every block but the last one takes kBlockBytes. kNoSpace: the half is full. Does not flush.
  enum class Place : uint8_t { kMiddle, kLast };
  Status Write(std::string_view payload, Place place);
  uint64_t content_bytes() const { return content_bytes_; }
  uint64_t content_checksum() const;

 private:
  CheckpointRegion& region_;
  const int half_;
  const uint64_t sequence_;
  AlignedBuffer buffer_;
  uint64_t content_bytes_ = 0;
  std::string checksums_;  // of the blocks; 8 bytes for each 256 KiB
};

}  // namespace rawkv
