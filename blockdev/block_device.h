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
#include "base/mutex.h"
#include "base/result.h"
#include "base/types.h"
#include "blockdev/aligned_buffer.h"

namespace rawkv {

enum class DeviceKind : uint8_t { kFile, kBlockDevice, kNvmeChar, kMemory };
RAWKV_EXPORT std::string_view DeviceKindName(DeviceKind kind);  // "file", "block", "nvme", "memory"

struct Geometry {
  DeviceKind kind = DeviceKind::kFile;
  uint64_t capacity_bytes = 0;  // rounded down to kBlockAlign
  bool direct = false;          // I/O bypasses the page cache (O_DIRECT)
  bool discard_supported = false;
  // The file had holes when it was opened: a write takes space on its filesystem, and Discard frees it.
  bool sparse = false;
  FileId file_id{};  // of the opened file or device node; not known for kMemory
};

enum class IoKind : uint8_t { kRead, kWrite };

class IoQueue;
class ReapedRing;

// One transfer of a batch. A write only reads its `buffer`. The buffer must stay alive, and the caller must
// not touch it, until Submit returns.
struct IoRequest {
  IoKind kind = IoKind::kRead;
  DeviceOffset offset{};
  Bytes buffer{};
  Status status{};  // set by Submit
};

// I/O since open, counted at this interface: each request counts once, even if it is split.
struct DeviceCounters {
  uint64_t reads = 0;
  uint64_t read_bytes = 0;
  uint64_t writes = 0;
  uint64_t written_bytes = 0;
  uint64_t flushes = 0;
};

// The blocks of a device. The public methods validate each request once (bounds, batch size, and kBlockAlign
// for offset, length and memory) and return kInvalidArgument without I/O. Implementations get valid requests
// only. If one request of a batch is invalid, none is submitted: all get that status, and on_done is not
// called. Thread-safe: any number of threads may call any method. Errors: kIoError with path and offset. A
// write is durable after a Flush that began after the write returned ok. After a failed Flush the state of
// unflushed writes is unknown, and the caller must not retry (invariant 10).
class RAWKV_EXPORT BlockDevice {
 public:
  static constexpr size_t kMaxBatch = 4096;  // requests in one Submit

  virtual ~BlockDevice() = default;
  BlockDevice(const BlockDevice&) = delete;
  BlockDevice& operator=(const BlockDevice&) = delete;

  // Constant except for the capacity, which only FindCapacity raises.
  Geometry geometry() const;
  const std::string& path() const { return path_; }

  Status Read(DeviceOffset offset, Bytes out);
  Status Write(DeviceOffset offset, ConstBytes bytes);

  // Called on the submitting thread with the index of each request that ends. The other requests continue
  // meanwhile, so the caller can verify one while others transfer. Must not submit. Must not throw, since the
  // kernel may still write to the buffers of other requests.
  using OnDone = std::function<void(size_t index)>;
  // Submits a batch and keeps up to the queue depth in flight. Returns when every request has ended. Each
  // request has its own status; the result is the first failure in batch order.
  Status Submit(std::span<IoRequest> batch, const OnDone& on_done = {});

  // Makes a queue for transfers that no thread waits for. The default runs them on a few threads. kIoError:
  // the system refuses a thread.
  virtual Result<std::unique_ptr<IoQueue>> OpenQueue();
  // Makes a ring that the caller reaps. Null: the device has none, or the system refuses another one.
  virtual std::unique_ptr<ReapedRing> OpenRing();

  // Makes all writes durable that have returned. After one failed flush every later one fails without I/O,
  // because the system reports lost writes to one caller only (invariant 10).
  Status Flush() RAWKV_EXCLUDES(flush_mu_);
  // Declares to the device that the content of the range is no longer needed. kNotSupported is harmless.
  Status Discard(DeviceOffset offset, uint64_t length);

  // Makes a device file larger and its size durable. kNotSupported: a block device, which only its own tools
  // can make larger. kInvalidArgument: not larger than now, or not a multiple of kBlockAlign. kNoSpace: the
  // filesystem does not allow the size; the file is as before. After another error the file may be larger.
  // The capacity changes with the next FindCapacity.
  Status Enlarge(uint64_t capacity_bytes);
  // Asks the operating system for the size and returns the capacity, which never falls while the device is
  // open. Transfers may use a larger one from now on. kFailedPrecondition: the device has become smaller.
  Result<uint64_t> FindCapacity();

  DeviceCounters counters() const;

 protected:
  BlockDevice(std::string path, Geometry geometry)
      : path_(std::move(path)), geometry_(geometry), capacity_(geometry.capacity_bytes) {}

  // Validates a request and counts it, for an implementation of OpenQueue.
  Status Admit(const IoRequest& request);

  // Gets valid requests. Sets the status of each, and calls on_done (if given) for each.
  virtual void DoSubmit(std::span<IoRequest> batch, const OnDone& on_done) = 0;
  virtual Status DoFlush() = 0;
  virtual Status DoDiscard(DeviceOffset offset, uint64_t length) = 0;
  virtual Status DoEnlarge(uint64_t capacity_bytes);  // kNotSupported
  virtual Result<uint64_t> DoFindSize();              // in bytes; the capacity of the open

 private:
  Status Validate(const IoRequest& request) const;

  const std::string path_;
  const Geometry geometry_;  // at the open
  std::atomic<uint64_t> capacity_;
  Mutex flush_mu_;
  Status failed_flush_ RAWKV_GUARDED_BY(flush_mu_);  // the first
  std::atomic<uint64_t> reads_{0}, read_bytes_{0}, writes_{0}, written_bytes_{0}, flushes_{0};
};

}  // namespace rawkv
