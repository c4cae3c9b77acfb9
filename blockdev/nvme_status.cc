#include "blockdev/nvme_status.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <string_view>

namespace rawkv {
namespace {

// What may be done after a status, if the drive does not forbid to retry.
enum class Kind : uint8_t {
  kFinal,     // the same command fails again
  kPassing,   // a retry may succeed; the failure proves nothing about the stored bytes
  kMedium,    // a retry may succeed; otherwise the medium has failed
  kCapacity,  // no room; nothing was written
};

struct Entry {
  uint16_t type_and_code;  // bits 0-10 of the status
  Kind kind;
  std::string_view words;
};

// The statuses of the NVM Express Base Specification 2.0 and the NVM Command Set Specification 1.0 that
// reads, writes, flushes, dataset management and identify can have. Sorted.
constexpr auto kEntries = std::to_array<Entry>({
    {0x000, Kind::kFinal, "success"},
    {0x001, Kind::kFinal, "invalid command opcode"},
    {0x002, Kind::kFinal, "invalid field in command"},
    {0x003, Kind::kFinal, "command ID conflict"},
    {0x004, Kind::kPassing, "data transfer error"},
    {0x005, Kind::kPassing, "aborted because of a power loss notification"},
    {0x006, Kind::kMedium, "internal error of the drive"},
    {0x007, Kind::kPassing, "command abort requested"},
    {0x008, Kind::kPassing, "aborted because the submission queue was deleted"},
    {0x009, Kind::kFinal, "aborted because a fused command failed"},
    {0x00a, Kind::kFinal, "aborted because a fused command is missing"},
    {0x00b, Kind::kFinal, "invalid namespace or format"},
    {0x00c, Kind::kFinal, "command sequence error"},
    {0x013, Kind::kFinal, "PRP offset invalid"},
    {0x015, Kind::kFinal, "operation denied"},
    {0x01c, Kind::kFinal, "sanitize failed"},
    {0x01d, Kind::kFinal, "sanitize in progress"},
    {0x020, Kind::kFinal, "namespace is write protected"},
    {0x021, Kind::kPassing, "command interrupted"},
    {0x022, Kind::kPassing, "transient transport error"},
    {0x080, Kind::kFinal, "LBA out of range"},
    {0x081, Kind::kCapacity, "capacity exceeded"},
    {0x082, Kind::kPassing, "namespace not ready"},
    {0x083, Kind::kFinal, "reservation conflict"},
    {0x084, Kind::kFinal, "format in progress"},
    {0x180, Kind::kFinal, "conflicting attributes"},
    {0x181, Kind::kFinal, "invalid protection information"},
    {0x182, Kind::kFinal, "attempted write to a read-only range"},
    {0x183, Kind::kFinal, "command size limit exceeded"},
    {0x1b8, Kind::kFinal, "zone boundary error"},
    {0x1b9, Kind::kFinal, "zone is full"},
    {0x1ba, Kind::kFinal, "zone is read-only"},
    {0x1bb, Kind::kFinal, "zone is offline"},
    {0x1bc, Kind::kFinal, "zone invalid write"},
    {0x280, Kind::kMedium, "write fault"},
    {0x281, Kind::kMedium, "unrecovered read error"},
    {0x282, Kind::kMedium, "end-to-end guard check error"},
    {0x283, Kind::kMedium, "end-to-end application tag check error"},
    {0x284, Kind::kMedium, "end-to-end reference tag check error"},
    {0x285, Kind::kFinal, "compare failure"},
    {0x286, Kind::kFinal, "access denied"},
    {0x287, Kind::kFinal, "deallocated or unwritten logical block"},
    {0x300, Kind::kPassing, "internal path error"},
    {0x301, Kind::kFinal, "asymmetric access persistent loss"},
    {0x302, Kind::kPassing, "asymmetric access inaccessible"},
    {0x303, Kind::kPassing, "asymmetric access transition"},
    {0x360, Kind::kPassing, "controller pathing error"},
    {0x370, Kind::kPassing, "host pathing error"},
    {0x371, Kind::kPassing, "command aborted by the host"},
});
static_assert(std::is_sorted(kEntries.begin(), kEntries.end(), [](const Entry& a, const Entry& b) {
  return a.type_and_code < b.type_and_code;
}));

constexpr NvmeStatus kAbortedByHost(0x371);
constexpr int64_t kFirstStatusResult = -0x10000;  // no errno is as large

const Entry* Find(NvmeStatus status) {
  const uint16_t wanted = status.value() & 0x7ff;
  const auto* found =
      std::lower_bound(kEntries.begin(), kEntries.end(), wanted,
                       [](const Entry& entry, uint16_t value) { return entry.type_and_code < value; });
  return found != kEntries.end() && found->type_and_code == wanted ? found : nullptr;
}

Kind KindOf(NvmeStatus status) {
  const Entry* entry = Find(status);
  return entry == nullptr ? Kind::kFinal : entry->kind;
}

std::string_view WordsOfType(uint8_t type) {
  constexpr std::array<std::string_view, 8> kWords = {
      "unknown generic status", "unknown command specific status",
      "unknown media error",    "unknown path error",
      "unknown status",         "unknown status",
      "unknown status",         "vendor specific status"};
  return kWords[type];
}

}  // namespace

bool NvmeStatus::Retryable() const {
  const Kind kind = KindOf(*this);
  return !do_not_retry() && (kind == Kind::kPassing || kind == Kind::kMedium);
}

int NvmeStatus::Errno() const {
  switch (KindOf(*this)) {
    case Kind::kCapacity:
      return ENOSPC;
    case Kind::kPassing:
      return EAGAIN;
    case Kind::kFinal:
    case Kind::kMedium:
      break;
  }
  return EIO;
}

std::string NvmeStatus::ToString() const {
  const Entry* entry = Find(*this);
  const std::string_view words = entry == nullptr ? WordsOfType(type()) : entry->words;
  char numbers[80];
  std::snprintf(numbers, sizeof(numbers), "(type %u, code 0x%02x%s)", unsigned{type()}, unsigned{code()},
                do_not_retry() ? ", do not retry" : "");
  char value[24];
  std::snprintf(value, sizeof(value), "0x%04x", unsigned{value_});
  return std::string("NVMe status ") + value + ": " + std::string(words) + " " + numbers;
}

int64_t ResultOfNvmeStatus(NvmeStatus status) {
  return kFirstStatusResult - status.value();
}

std::optional<NvmeStatus> NvmeStatusOfResult(int64_t result) {
  const int64_t value = kFirstStatusResult - result;
  if (value < 0 || value > UINT16_MAX) return std::nullopt;
  return NvmeStatus(static_cast<uint16_t>(value));
}

int64_t ResultOfNvmeCommand(int64_t raw, uint64_t bytes) {
  if (raw == 0) return static_cast<int64_t>(bytes);
  if (raw > 0) return ResultOfNvmeStatus(NvmeStatus(static_cast<uint16_t>(raw)));
  return raw == -EINTR ? ResultOfNvmeStatus(kAbortedByHost) : raw;
}

}  // namespace rawkv
