#include "engine/device/trim.h"

#include <algorithm>

#include "base/exception_status.h"

namespace rawkv {
namespace {

// Slots of at most this size are held at a time. A commit that needs them waits for one discard.
constexpr uint64_t kHeldBytes = 64ull << 20;

// Returns a held run when it goes out of scope.
class HeldRun {
 public:
  HeldRun(SlotAllocator& allocator, const Extent& run) : allocator_(allocator), run_(run) {}
  ~HeldRun() { allocator_.ReturnRun(run_); }
  HeldRun(const HeldRun&) = delete;
  HeldRun& operator=(const HeldRun&) = delete;

 private:
  SlotAllocator& allocator_;
  const Extent run_;
};

// Discards the next run of free slots at or after `*next`. Absent at the end of the device, else the size of
// the device's slots in bytes.
Result<std::optional<uint64_t>> TrimSome(const TrimParts& parts, SlotId* next, TrimReport* report) {
  RAWKV_ASSIGN_OR_RETURN(const OperationGate::Pass pass, parts.enter());
  RAWKV_RETURN_IF_ERROR(parts.poison.Check());
  const StoreContext& c = parts.context;
  const uint64_t slot_bytes = c.layout().slot_bytes;
  SlotAllocator& allocator = *parts.core.allocator;  // a rollback replaces it
  if (next->value() >= allocator.total_slots()) return std::optional<uint64_t>();
  const uint64_t max_slots = std::max<uint64_t>(1, kHeldBytes / slot_bytes);
  RAWKV_ASSIGN_OR_RETURN(const SlotAllocator::FreeRun found, allocator.HoldFreeRun(*next, max_slots));
  *next = found.next;
  if (found.run) {
    const HeldRun held(allocator, *found.run);
    const uint64_t bytes = found.run->count.value() * slot_bytes;
    RAWKV_RETURN_IF_ERROR(
        NoThrow([&] { return c.device.device->Discard(c.layout().OffsetOf(found.run->first), bytes); }));
    report->slots += found.run->count.value();
    report->bytes += bytes;
  }
  return std::optional(allocator.total_slots() * slot_bytes);
}

}  // namespace

Result<TrimReport> TrimFreeSlots(const TrimParts& parts, const TrimOptions& options) {
  const StoreContext& c = parts.context;
  if (!c.device.device->geometry().discard_supported) {
    return Status::NotSupported(c.device_path +
                                ": the device cannot discard blocks, or its file cannot have holes");
  }
  constexpr uint64_t kReportEveryNs = 200'000'000;
  uint64_t reported_ns = 0;
  TrimReport report;
  SlotId next(0);
  while (true) {
    RAWKV_ASSIGN_OR_RETURN(const std::optional<uint64_t> total, TrimSome(parts, &next, &report));
    if (!total) return report;
    const uint64_t now_ns = c.env.clock->MonotonicNs();
    if (!options.progress || now_ns - reported_ns < kReportEveryNs) continue;
    reported_ns = now_ns;
    options.progress(
        {.what = "trim", .done = next.value() * c.layout().slot_bytes, .total = *total, .unit = "bytes"});
  }
}

}  // namespace rawkv
