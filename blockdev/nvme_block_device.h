#pragma once

#include <memory>
#include <string>

#include "blockdev/io_uring_block_device.h"
#include "blockdev/nvme_node.h"
#include "blockdev/nvme_ring.h"

namespace rawkv {

// The `nvme` engine: reads and writes are NVMe commands on the character device of a namespace, past the
// kernel's block layer and page cache. Batches run on io_uring as for the engine `io_uring`; a batch of one
// command is one ioctl. A request that is larger than one command becomes several, all in flight together.
//
// Flush is an NVMe flush, and nothing if the drive has no volatile write cache: a write is then durable when
// it completes. A failed flush is never retried (invariant 10). Reads, writes and discards are retried as
// Transfer does.
class NvmeBlockDevice final : public IoUringBlockDevice {
 public:
  struct Rings {
    NvmeCommandRingFactory make;
    uint32_t queue_depth = 64;
  };

  // Asks the drive for its properties, and refuses a namespace that rawkv cannot use. kNotSupported: metadata
  // or protection information, a block that does not divide kBlockAlign, zones, a command set without blocks,
  // a transfer limit of zero, or no ring. kFailedPrecondition: the namespace is write protected, or holds
  // less than a block. kIoError: the drive or the kernel refuses a command. The character device is closed
  // after an error.
  static Result<std::unique_ptr<NvmeBlockDevice>> Make(std::string path, NvmeNode node,
                                                       std::shared_ptr<RawIo> raw, Rings rings);

  // The drive's model and limits in words, for the reason of an open.
  std::string Describe() const;

 private:
  struct Facts {
    NvmeController controller;
    NvmeNamespace space;
    NvmeTarget target;
    bool writable = false;
  };

  static Result<Facts> FindFacts(const std::string& path, const NvmeNode& node, RawIo& raw);
  NvmeBlockDevice(std::string path, Geometry geometry, NvmeNode node, std::shared_ptr<RawIo> raw, Facts facts,
                  IoUringBlockDevice::Rings rings, std::unique_ptr<IoRing> first);

  void DoSubmit(std::span<IoRequest> batch, const OnDone& on_done) override;
  int64_t Call(const Transfer& transfer) override;
  Status DoFlush() override;
  Status DoDiscard(DeviceOffset offset, uint64_t length) override;
  Result<uint64_t> DoFindSize() override;

  const UniqueFd exclusive_;
  const Facts facts_;
};

}  // namespace rawkv
