#include "blockdev/block_device.h"

#include <string>

#include "blockdev/pool_io_queue.h"
#include "blockdev/reaped_ring.h"

namespace rawkv {

namespace {

std::string Describe(const IoRequest& request, const std::string& path) {
  return std::string(request.kind == IoKind::kRead ? "read" : "write") + " of " +
         std::to_string(request.buffer.size()) + " bytes at offset " +
         std::to_string(request.offset.value()) + " of " + path;
}

// Threads of a queue on a device without a ring. More of them only wait for processors.
constexpr uint32_t kQueueThreads = 8;

bool InBounds(uint64_t offset, uint64_t length, uint64_t capacity) {
  return offset <= capacity && length <= capacity - offset;
}

}  // namespace

std::string_view DeviceKindName(DeviceKind kind) {
  switch (kind) {
    case DeviceKind::kFile:
      return "file";
    case DeviceKind::kBlockDevice:
      return "block";
    case DeviceKind::kNvmeChar:
      return "nvme";
    case DeviceKind::kMemory:
      return "memory";
  }
  return "unknown";
}

Status BlockDevice::Validate(const IoRequest& request) const {
  const uint64_t offset = request.offset.value();
  const uint64_t length = request.buffer.size();
  if (length == 0) return Status::InvalidArgument(Describe(request, path_) + ": nothing to transfer");
  if (!IsAligned(offset) || !IsAligned(length) ||
      !IsAligned(reinterpret_cast<uintptr_t>(request.buffer.data()))) {
    return Status::InvalidArgument(Describe(request, path_) +
                                   ": offset, length and memory must be multiples of " +
                                   std::to_string(kBlockAlign));
  }
  if (const uint64_t capacity = capacity_.load(); !InBounds(offset, length, capacity)) {
    return Status::InvalidArgument(Describe(request, path_) + ": outside the capacity of " +
                                   std::to_string(capacity) + " bytes");
  }
  return Status::Ok();
}

Status BlockDevice::Read(DeviceOffset offset, Bytes out) {
  IoRequest request{.kind = IoKind::kRead, .offset = offset, .buffer = out};
  return Submit({&request, 1});
}

Status BlockDevice::Write(DeviceOffset offset, ConstBytes bytes) {
  // A write only reads its buffer (contract of IoRequest), so one request type serves both directions.
  const Bytes buffer(const_cast<std::byte*>(bytes.data()), bytes.size());
  IoRequest request{.kind = IoKind::kWrite, .offset = offset, .buffer = buffer};
  return Submit({&request, 1});
}

Status BlockDevice::Submit(std::span<IoRequest> batch, const OnDone& on_done) {
  Status refused;
  if (batch.size() > kMaxBatch) {
    refused = Status::InvalidArgument("batch of " + std::to_string(batch.size()) + " requests to " + path_ +
                                      ": at most " + std::to_string(kMaxBatch) + " are allowed");
  }
  for (size_t i = 0; refused.ok() && i < batch.size(); ++i) refused = Validate(batch[i]);
  if (!refused.ok()) {
    for (IoRequest& request : batch) request.status = refused;
    return refused;
  }

  DeviceCounters sum;
  for (IoRequest& request : batch) {
    request.status = Status::Ok();
    const bool read = request.kind == IoKind::kRead;
    ++(read ? sum.reads : sum.writes);
    (read ? sum.read_bytes : sum.written_bytes) += request.buffer.size();
  }
  reads_.fetch_add(sum.reads, std::memory_order_relaxed);
  read_bytes_.fetch_add(sum.read_bytes, std::memory_order_relaxed);
  writes_.fetch_add(sum.writes, std::memory_order_relaxed);
  written_bytes_.fetch_add(sum.written_bytes, std::memory_order_relaxed);

  if (!batch.empty()) DoSubmit(batch, on_done);
  for (const IoRequest& request : batch) RAWKV_RETURN_IF_ERROR(request.status);
  return Status::Ok();
}

Status BlockDevice::Admit(const IoRequest& request) {
  RAWKV_RETURN_IF_ERROR(Validate(request));
  const bool read = request.kind == IoKind::kRead;
  (read ? reads_ : writes_).fetch_add(1, std::memory_order_relaxed);
  (read ? read_bytes_ : written_bytes_).fetch_add(request.buffer.size(), std::memory_order_relaxed);
  return Status::Ok();
}

Result<std::unique_ptr<IoQueue>> BlockDevice::OpenQueue() {
  return PoolIoQueue::Make(*this, kQueueThreads);
}

std::unique_ptr<ReapedRing> BlockDevice::OpenRing() {
  return nullptr;
}

Status BlockDevice::Flush() {
  const MutexLock lock(flush_mu_);
  if (!failed_flush_.ok()) {
    return failed_flush_.WithContext(
        "an earlier flush failed, so that written data may be lost; reopen the store");
  }
  flushes_.fetch_add(1, std::memory_order_relaxed);
  failed_flush_ = DoFlush();
  return failed_flush_;
}

Status BlockDevice::Discard(DeviceOffset offset, uint64_t length) {
  const uint64_t capacity = capacity_.load();
  if (!IsAligned(offset.value()) || !IsAligned(length) || !InBounds(offset.value(), length, capacity)) {
    return Status::InvalidArgument("discard of " + std::to_string(length) + " bytes at offset " +
                                   std::to_string(offset.value()) + " of " + path_ + ": must be aligned to " +
                                   std::to_string(kBlockAlign) + " and within the capacity of " +
                                   std::to_string(capacity) + " bytes");
  }
  if (length == 0) return Status::Ok();
  return DoDiscard(offset, length);
}

Geometry BlockDevice::geometry() const {
  Geometry now = geometry_;
  now.capacity_bytes = capacity_.load();
  return now;
}

Status BlockDevice::Enlarge(uint64_t capacity_bytes) {
  RAWKV_ASSIGN_OR_RETURN(const uint64_t now, FindCapacity());
  if (!IsAligned(capacity_bytes) || capacity_bytes <= now) {
    return Status::InvalidArgument(
        path_ + ": has " + std::to_string(now) + " bytes, and can only become larger, by a multiple of " +
        std::to_string(kBlockAlign) + " bytes; not " + std::to_string(capacity_bytes));
  }
  return DoEnlarge(capacity_bytes);
}

Result<uint64_t> BlockDevice::FindCapacity() {
  RAWKV_ASSIGN_OR_RETURN(const uint64_t size, DoFindSize());
  const uint64_t found = size / kBlockAlign * kBlockAlign;
  uint64_t capacity = capacity_.load();
  while (found > capacity && !capacity_.compare_exchange_weak(capacity, found)) {
  }
  if (found < capacity) {
    return Status::FailedPrecondition(path_ + ": the device has become smaller: it has " +
                                      std::to_string(found) + " bytes, and had " + std::to_string(capacity));
  }
  return found;
}

Status BlockDevice::DoEnlarge(uint64_t) {
  return Status::NotSupported(path_ +
                              ": only a device file can be made larger by rawkv; make a block device "
                              "larger with its own tools, then run `rawkv-ctl device grow` without a size");
}

Result<uint64_t> BlockDevice::DoFindSize() {
  return geometry_.capacity_bytes;
}

DeviceCounters BlockDevice::counters() const {
  return {.reads = reads_.load(std::memory_order_relaxed),
          .read_bytes = read_bytes_.load(std::memory_order_relaxed),
          .writes = writes_.load(std::memory_order_relaxed),
          .written_bytes = written_bytes_.load(std::memory_order_relaxed),
          .flushes = flushes_.load(std::memory_order_relaxed)};
}

}  // namespace rawkv
