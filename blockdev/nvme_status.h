#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace rawkv {

// The status of a completed NVMe command as Linux reports it: the Status Field of the completion queue entry
// without the phase bit (NVM Express Base Specification 2.0, section "Status Field"). Bits 0-7 are the status
// code, bits 8-10 the status code type, bits 11-12 the retry delay, bit 13 "more", bit 14 "do not retry".
class NvmeStatus {
 public:
  constexpr explicit NvmeStatus(uint16_t value) : value_(value) {}

  constexpr uint16_t value() const { return value_; }
  constexpr uint8_t code() const { return static_cast<uint8_t>(value_ & 0xff); }
  constexpr uint8_t type() const { return static_cast<uint8_t>(value_ >> 8 & 0x7); }
  constexpr bool do_not_retry() const { return (value_ >> 14 & 1) != 0; }

  // True if the command may be issued again: the drive does not forbid it, and the kind of the status is a
  // condition that can pass (not ready, interrupted, aborted, a path or a medium error).
  bool Retryable() const;
  // The errno value of a command that failed with this status for good: ENOSPC for a namespace without
  // capacity; EAGAIN for a condition that can pass and proves nothing about the stored bytes; else EIO.
  int Errno() const;
  // "NVMe status 0x4080: LBA out of range (type 0, code 0x80, do not retry)".
  std::string ToString() const;

 private:
  uint16_t value_;
};

// Results of system calls and rings are bytes moved or a negated errno. These functions add NVMe statuses to
// them, as negative numbers below every errno, so that all code between ring and Transfer passes them on.
int64_t ResultOfNvmeStatus(NvmeStatus status);
std::optional<NvmeStatus> NvmeStatusOfResult(int64_t result);

// The result of an NVMe command that moves `bytes` on success. `raw` is the answer of Linux: 0, a positive
// NVMe status, or a negated errno. EINTR means that the kernel cancelled the command when it reset the
// controller, so it becomes the NVMe status for this case.
int64_t ResultOfNvmeCommand(int64_t raw, uint64_t bytes);

}  // namespace rawkv
