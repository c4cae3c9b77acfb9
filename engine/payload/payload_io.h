#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/extent.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/uuid.h"
#include "blockdev/block_device.h"
#include "blockdev/superblock.h"
#include "engine/payload/write_window.h"

namespace rawkv {

// Writes values into extents of the device and reads them. Returns no byte before its chunk's checksum has
// passed (invariant 12). Uses keys only for extent headers. Thread-safe.
class PayloadIo {
 public:
  PayloadIo(BlockDevice& device, const DeviceLayout& layout, const Uuid& device_uuid)
      : device_(device), layout_(layout), device_uuid_(device_uuid), slot_count_(layout.slot_count) {}

  // The device has more slots now.
  void GrowTo(uint64_t slot_count) { slot_count_.store(slot_count); }

  // Writes the values, with many transfers in flight. Values and headers that are next to each other on the
  // device share transfers. Does not flush the device. After an error any part of any extent may have been
  // written.
  struct WriteJob {
    std::string_view key;
    ConstBytes value;
    PayloadRef* ref = nullptr;  // with extents, write id and length; WriteMany sets the checksums
  };
  Status WriteMany(std::span<const WriteJob> jobs);

  // Reads [offset, offset + length) of the value to the front of `out`. The range must lie within the value.
  // May overwrite `out` after `length`, so that the last, padded block is read directly into an aligned
  // buffer. kCorruption names the slot and the chunk.
  struct ReadJob {
    const PayloadRef* ref = nullptr;
    uint64_t offset = 0;
    uint64_t length = 0;
    Bytes out;
    Status status;  // set by ReadMany
  };
  Status Read(ReadJob job);
  // Reads all jobs; their chunks share the device's queue.
  void ReadMany(std::span<ReadJob> jobs);

  // The parts of ReadMany, for a caller that transfers by itself. Check the reference, then plan each chunk
  // from FirstChunk to LastChunk, run its transfers, and finish it.
  struct ChunkRead {
    ReadJob* job = nullptr;
    uint64_t chunk = 0;
    uint64_t begin = 0;  // of the chunk in the value
    uint64_t bytes = 0;
    // Whole blocks of the caller's memory, or `bounce`. If it is shorter than the chunk, `bounce` has the
    // last block.
    Bytes target{};
    AlignedBuffer bounce{};
    uint32_t pending = 0;  // transfers that have not completed
    Status status{};
  };
  static uint64_t FirstChunk(const ReadJob& job);
  static uint64_t LastChunk(const ReadJob& job);  // `length` is not 0
  // kCorruption: the reference does not fit the device.
  Status CheckFitsDevice(const PayloadRef& ref) const;
  static ChunkRead MakeChunk(ReadJob& job, uint64_t chunk);
  // Chooses the memory of the chunk, appends its transfers to `batch` and counts them in `pending`.
  void PlanChunk(ChunkRead& chunk, std::vector<IoRequest>& batch) const;
  // Verifies a chunk whose transfers have succeeded, and copies what is in its bounce buffer. kCorruption.
  Status FinishChunk(const ChunkRead& chunk) const;

  // Reads and verifies the whole value and its extent headers.
  Status Verify(std::string_view key, const PayloadRef& ref);
  // Verifies a part of the value, and the extent headers if `offset` is 0. The range must lie within the
  // value.
  Status VerifyPart(std::string_view key, const PayloadRef& ref, uint64_t offset, uint64_t length);

 private:
  struct Piece {
    DeviceOffset offset;
    uint64_t value_offset = 0;
    uint64_t bytes = 0;  // of payload; transfers are padded to blocks
  };
  // The device ranges of [begin, end) of the value. `begin` must be a multiple of the chunk size.
  std::vector<Piece> Locate(const PayloadRef& ref, uint64_t begin, uint64_t end) const;
  uint64_t ChunkChecksum(const PayloadRef& ref, uint64_t chunk, ConstBytes bytes) const;
  uint64_t Capacity(const Extent& e) const;
  static bool WritesDirectly(ConstBytes value);
  Status WriteHeaders(const WriteJob& job, WriteWindow& window) const;
  Status WritePieces(const WriteJob& job, WriteWindow& window) const;
  Status CheckHeaders(std::string_view key, const PayloadRef& ref);
  void ReadChunks(std::span<ChunkRead> chunks);

  BlockDevice& device_;
  const DeviceLayout layout_;  // for everything but the number of slots
  const Uuid device_uuid_;
  std::atomic<uint64_t> slot_count_;
  Mutex kept_mu_;
  AlignedBuffer kept_ RAWKV_GUARDED_BY(kept_mu_);  // of the last WriteWindow: new memory costs page faults
};

}  // namespace rawkv
