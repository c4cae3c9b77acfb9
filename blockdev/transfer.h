#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"
#include "blockdev/block_device.h"
#include "blockdev/nvme_status.h"

namespace rawkv {

// The progress of one request, and the retry policy of all engines. Thread-compatible.
//
// A short transfer continues after its last whole block, so that the rest keeps the alignment that O_DIRECT
// needs. EINTR, EAGAIN and transfers of less than a block are retried, but at most kMaxRetries times in a
// row, so that a device without progress gives an error instead of a hang.
class Transfer {
 public:
  static constexpr int kMaxRetries = 64;
  // Retries after NVMe statuses that allow one. Fewer, since each try may wait for the kernel's time-out,
  // which is 30 seconds by default.
  static constexpr int kMaxNvmeRetries = 8;
  // Linux moves less than 2 GiB a call, and an io_uring length has 32 bits.
  static constexpr uint64_t kMaxCallBytes = 1ull << 30;

  explicit Transfer(const IoRequest& request)
      : kind_(request.kind), offset_(request.offset), rest_(request.buffer) {}

  // The next call to make.
  IoKind kind() const { return kind_; }
  DeviceOffset offset() const { return offset_; }
  Bytes buffer() const { return rest_.first(rest_.size() < kMaxCallBytes ? rest_.size() : kMaxCallBytes); }

  enum class Next : uint8_t {
    kDone,   // the request is complete or has failed: see status()
    kAgain,  // make the next call
    kPause,  // make the next call after PauseForRetry
  };
  // Handles the result of a call: bytes moved, a negated errno, or an NVMe status (nvme_status.h). `path` is
  // for the message.
  Next HandleResult(int64_t result, const std::string& path);

  const Status& status() const { return status_; }

 private:
  Next Fail(int error, const std::string& path, const std::string& why);
  Next RetryWithoutProgress(int error, int64_t moved, const std::string& path);
  Next HandleNvmeStatus(NvmeStatus status, const std::string& path);

  IoKind kind_;
  DeviceOffset offset_;
  Bytes rest_;
  int retries_ = 0;  // consecutive calls without progress
  Status status_;
};

// Pauses between two calls without progress.
void PauseForRetry();

}  // namespace rawkv
