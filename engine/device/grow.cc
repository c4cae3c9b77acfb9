#include "engine/device/grow.h"

#include "base/exception_status.h"

namespace rawkv {
namespace {

// Makes the device file larger, unless it has this size already.
Status Enlarge(const GrowParts& parts, uint64_t capacity_bytes) {
  BlockDevice& device = *parts.context.device.device;
  RAWKV_ASSIGN_OR_RETURN(const uint64_t now, device.FindCapacity());
  if (now == capacity_bytes) return device.Flush();
  return device.Enlarge(capacity_bytes);
}

}  // namespace

Result<GrowReport> GrowDevice(const GrowParts& parts, const GrowOptions& options) {
  StoreContext& c = parts.context;
  RAWKV_RETURN_IF_ERROR(parts.poison.Check());
  RAWKV_RETURN_IF_ERROR(CheckOpenedWithRoom(c));
  BlockDevice& device = *c.device.device;
  GrowReport report{.capacity_before = device.geometry().capacity_bytes,
                    .slots_before = parts.core.allocator->total_slots()};
  if (options.capacity_bytes) {
    const Status enlarged = NoThrow([&] { return Enlarge(parts, *options.capacity_bytes); });
    // A flush may have failed, and with it the payload of commits that are under way (invariant 10).
    if (enlarged.code() == StatusCode::kIoError) parts.poison.Set(enlarged);
    RAWKV_RETURN_IF_ERROR(enlarged);
  }
  RAWKV_ASSIGN_OR_RETURN(report.capacity, device.FindCapacity());
  const DeviceLayout grown = GrownLayout(c.layout(), report.capacity);
  if (IsGrowthOf(grown, c.layout())) {
    RAWKV_RETURN_IF_ERROR(WithReserve(c, [&] { return c.SaveGrowth(grown); }));
  }
  if (c.superblock().layout != c.layout()) {
    const Status updated = NoThrow([&] { return c.UpdateSuperblock(c.reuse_floor()); });
    if (!updated.ok()) parts.poison.Set(updated);
    RAWKV_RETURN_IF_ERROR(updated);
  }
  report.slots = c.layout().slot_count;
  parts.core.payload->GrowTo(report.slots);
  parts.core.allocator->GrowTo(report.slots);
  return report;
}

}  // namespace rawkv
