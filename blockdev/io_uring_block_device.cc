#include "blockdev/io_uring_block_device.h"

#include <algorithm>

#include "blockdev/ring_batch.h"
#include "blockdev/ring_io_queue.h"

namespace rawkv {
namespace {

// Transfers of a queue that the kernel has at one time. The caller bounds them by bytes.
constexpr uint32_t kMinQueueDepth = 256;

// Returns the ring to the pool, also if an exception ends the batch before it has begun.
struct TakenRing {
  TakenRing(RingPool& pool_in, std::unique_ptr<IoRing> ring_in) : pool(pool_in), ring(std::move(ring_in)) {}
  ~TakenRing() { pool.Return(std::move(ring)); }
  TakenRing(const TakenRing&) = delete;
  TakenRing& operator=(const TakenRing&) = delete;

  RingPool& pool;
  std::unique_ptr<IoRing> ring;
};

}  // namespace

Result<std::unique_ptr<BlockDevice>> IoUringBlockDevice::Make(std::string path, Geometry geometry,
                                                              UniqueFd& fd, std::shared_ptr<RawIo> raw,
                                                              Rings rings) {
  RAWKV_ASSIGN_OR_RETURN(auto first, rings.make(fd.get(), rings.queue_depth));
  return std::unique_ptr<BlockDevice>(new IoUringBlockDevice(
      std::move(path), geometry, std::move(fd), std::move(raw), std::move(rings), std::move(first)));
}

IoUringBlockDevice::IoUringBlockDevice(std::string path, Geometry geometry, UniqueFd fd,
                                       std::shared_ptr<RawIo> raw, Rings rings, std::unique_ptr<IoRing> first)
    : FdBlockDevice(std::move(path), geometry, std::move(fd), std::move(raw)),
      queue_depth_(rings.queue_depth),
      make_ring_(rings.make),
      rings_(std::move(first), [make = std::move(rings.make), descriptor = FdBlockDevice::fd(),
                                depth = rings.queue_depth] { return make(descriptor, depth); }) {}

Result<std::unique_ptr<IoQueue>> IoUringBlockDevice::OpenQueue() {
  ReapedRing::Options options = ReapedOptions();
  Result<std::unique_ptr<IoRing>> ring = make_ring_(fd(), options.depth);
  if (!ring.ok()) return BlockDevice::OpenQueue();
  return RingIoQueue::Make(*this, *std::move(ring), std::move(options));
}

std::unique_ptr<ReapedRing> IoUringBlockDevice::OpenRing() {
  ReapedRing::Options options = ReapedOptions();
  Result<std::unique_ptr<IoRing>> ring = make_ring_(fd(), options.depth);
  if (!ring.ok()) return nullptr;
  return std::make_unique<ReapedRing>(*this, *std::move(ring), std::move(options));
}

ReapedRing::Options IoUringBlockDevice::ReapedOptions() {
  return {.depth = std::max(queue_depth_, kMinQueueDepth),
          .admit = [this](const IoRequest& request) { return Admit(request); }};
}

void IoUringBlockDevice::DoSubmit(std::span<IoRequest> batch, const OnDone& on_done) {
  if (batch.size() == 1) return RunSerially(batch, on_done);

  Result<std::unique_ptr<IoRing>> ring = rings_.Take();
  if (!ring.ok()) {
    for (size_t i = 0; i < batch.size(); ++i) {
      batch[i].status = Status::IoError("batch on " + path() + ": " + ring.status().message());
      if (on_done) on_done(i);
    }
    return;
  }
  TakenRing taken(rings_, *std::move(ring));
  RingBatch run(*taken.ring, {.depth = queue_depth_, .path = path()}, batch, on_done);
  const bool reusable = run.Run();
  if (!reusable) taken.ring.reset();
}

}  // namespace rawkv
