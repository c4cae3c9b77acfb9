#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"
#include "blockdev/block_device.h"

namespace rawkv {

// One request on its way to a device: what is left of it, and what each answer of the system means.
// The one retry policy of all engines. Thread-compatible.
//
// Short transfers go on behind the last whole block that moved, so that the rest keeps the alignment
// that O_DIRECT asks for. EINTR, EAGAIN and transfers of less than a block are tried again, but at
// most kMaxFruitless times in a row: a device that never moves must become an error, not a hang.
class Transfer {
 public:
  static constexpr int kMaxFruitless = 64;
  // Linux moves less than 2 GiB a call, and an io_uring length has 32 bits.
  static constexpr uint64_t kMaxCallBytes = 1ull << 30;

  explicit Transfer(const IoRequest& request)
      : kind_(request.kind), offset_(request.offset), rest_(request.buffer) {}

  // The next call to make.
  IoKind kind() const { return kind_; }
  DeviceOffset offset() const { return offset_; }
  Bytes buffer() const { return rest_.first(rest_.size() < kMaxCallBytes ? rest_.size() : kMaxCallBytes); }

  enum class Next : uint8_t {
    kDone,   // moved whole, or failed: see status()
    kAgain,  // make the next call
    kPause,  // make the next call, but let the system breathe first
  };
  // Takes the answer to the call: bytes moved, or a negated errno. `path` is for the message.
  Next Take(int64_t result, const std::string& path);

  const Status& status() const { return status_; }

 private:
  Next Fail(int error, const std::string& path, const std::string& why);
  Next Fruitless(int error, int64_t moved, const std::string& path);

  IoKind kind_;
  DeviceOffset offset_;
  Bytes rest_;
  int fruitless_ = 0;
  Status status_;
};

// How long kPause means.
void PauseForRetry();

}  // namespace rawkv
