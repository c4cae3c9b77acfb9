#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/extent.h"
#include "base/result.h"
#include "base/uuid.h"
#include "blockdev/block_device.h"
#include "blockdev/superblock.h"

namespace rawkv {

// Values on the device: writes them into extents, reads them back and believes no byte before its
// chunk's checksum has passed (invariant 12). Knows nothing of keys beyond naming them.
// Thread-safe.
class PayloadIo {
 public:
  PayloadIo(BlockDevice& device, const DeviceLayout& layout, const Uuid& device_uuid)
      : device_(device), layout_(layout), device_uuid_(device_uuid) {}

  // Writes the value once, in pieces kept in flight together. Not flushed. On error any part may
  // have been written; the extents hold nothing of worth.
  Result<PayloadRef> Write(std::string_view key, ConstBytes value, std::vector<Extent> extents,
                           WriteId write_id);

  // Reads [offset, offset + length) of the value into the front of `out`. Room in `out` beyond
  // `length` may be overwritten: it lets an aligned buffer take the last, padded block directly.
  // kCorruption names slot and chunk. The range must lie within the value.
  struct ReadJob {
    const PayloadRef* ref = nullptr;
    uint64_t offset = 0;
    uint64_t length = 0;
    Bytes out;
    Status status;  // set by ReadMany
  };
  Status Read(ReadJob job);
  // All jobs' chunks share the device's queue.
  void ReadMany(std::span<ReadJob> jobs);

  // Reads everything and verifies it, header included; keeps nothing.
  Status Verify(std::string_view key, const PayloadRef& ref);
  // The same for a part, headers with the first; the range must lie within the value.
  Status VerifyPart(std::string_view key, const PayloadRef& ref, uint64_t offset, uint64_t length);

 private:
  struct Piece {
    DeviceOffset offset;
    uint64_t value_offset = 0;
    uint64_t bytes = 0;  // of payload; transfers are padded to blocks
  };
  // Device ranges of [begin, end) of the value; begin is chunk-aligned.
  std::vector<Piece> Locate(const PayloadRef& ref, uint64_t begin, uint64_t end) const;
  uint64_t ChunkChecksum(const PayloadRef& ref, uint64_t chunk, ConstBytes bytes) const;
  uint64_t Capacity(const Extent& e) const;
  Status WriteHeaders(std::string_view key, const PayloadRef& ref);
  Status WritePieces(const PayloadRef& ref, ConstBytes value);
  Status CheckHeaders(std::string_view key, const PayloadRef& ref);
  struct ChunkRead;
  void ReadChunks(std::span<ChunkRead> chunks);
  Status FinishChunk(const ChunkRead& chunk) const;
  Status CheckFitsDevice(const PayloadRef& ref) const;

  BlockDevice& device_;
  const DeviceLayout layout_;
  const Uuid device_uuid_;
};

}  // namespace rawkv
