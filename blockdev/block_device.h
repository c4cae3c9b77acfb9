#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/export.h"
#include "base/fs.h"
#include "base/result.h"
#include "base/types.h"
#include "blockdev/aligned_buffer.h"

namespace rawkv {

enum class DeviceKind : uint8_t { kFile, kBlockDevice, kNvmeChar, kMemory };
RAWKV_EXPORT std::string_view DeviceKindName(DeviceKind kind);  // "file", "block", "nvme", "memory"

struct Geometry {
  DeviceKind kind = DeviceKind::kFile;
  uint64_t capacity_bytes = 0;  // rounded down to kBlockAlign
  bool direct = false;          // O_DIRECT or its like
  bool discard_supported = false;
  // A file that had holes when it was opened: writing takes room on its filesystem, Discard gives it back.
  bool sparse = false;
  FileId file_id{};  // of the opened file or device node; not known of kMemory
};

enum class IoKind : uint8_t { kRead, kWrite };

// One transfer of a batch. `buffer` is only read from by a write. It must stay alive and untouched
// until Submit returns.
struct IoRequest {
  IoKind kind = IoKind::kRead;
  DeviceOffset offset{};
  Bytes buffer{};
  Status status{};  // set by Submit
};

// I/O counted since open, at this interface (a request counts once, whatever it was split into).
struct DeviceCounters {
  uint64_t reads = 0;
  uint64_t read_bytes = 0;
  uint64_t writes = 0;
  uint64_t written_bytes = 0;
  uint64_t flushes = 0;
};

// A device's blocks. The public API validates once (bounds, kBlockAlign for offset, length and
// memory, batch size) and answers kInvalidArgument without I/O; implementations see valid requests
// only. A batch with an invalid request is refused whole: every status says so, on_done stays silent.
// Thread-safe: any number of threads may call any method. Errors: kIoError with path and offset. A write is
// durable after a Flush that began when the write had returned ok. After a failed Flush nothing may be
// assumed of unflushed writes; the caller must not retry (invariant 10).
class RAWKV_EXPORT BlockDevice {
 public:
  static constexpr size_t kMaxBatch = 4096;  // requests a Submit

  virtual ~BlockDevice() = default;
  BlockDevice(const BlockDevice&) = delete;
  BlockDevice& operator=(const BlockDevice&) = delete;

  const Geometry& geometry() const { return geometry_; }
  const std::string& path() const { return path_; }

  Status Read(DeviceOffset offset, Bytes out);
  Status Write(DeviceOffset offset, ConstBytes bytes);

  // Called on the submitting thread as each request of a batch ends, with its index; the other
  // requests continue meanwhile, so verification can run while they transfer. Must not submit, and must
  // not throw: the kernel may still be writing to the buffers of the others.
  using OnDone = std::function<void(size_t index)>;
  // Submits the whole batch at once and keeps the queue full up to its depth; returns when every
  // request has ended. Each has its own status; the result is the first failure in batch order.
  Status Submit(std::span<IoRequest> batch, const OnDone& on_done = {});

  // Makes all writes that have returned durable.
  Status Flush();
  // Tells the device that the range's content no longer matters. kNotSupported is harmless.
  Status Discard(DeviceOffset offset, uint64_t length);

  DeviceCounters counters() const;

 protected:
  BlockDevice(std::string path, Geometry geometry) : path_(std::move(path)), geometry_(geometry) {}

  // Requests are valid. Sets each status and calls on_done (if any) for each.
  virtual void DoSubmit(std::span<IoRequest> batch, const OnDone& on_done) = 0;
  virtual Status DoFlush() = 0;
  virtual Status DoDiscard(DeviceOffset offset, uint64_t length) = 0;

 private:
  Status Validate(const IoRequest& request) const;

  const std::string path_;
  const Geometry geometry_;
  std::atomic<uint64_t> reads_{0}, read_bytes_{0}, writes_{0}, written_bytes_{0}, flushes_{0};
};

}  // namespace rawkv
