#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/extent.h"
#include "base/result.h"

namespace rawkv {

// Finds runs of free slots for a wanted total. Pure: sees occupancy only through `PageLoader`.
//
// Occupancy comes in pages of kSlotsPerPage slots, one bit a slot, 1 = taken (live, deferred or
// reserved); the last page's bits beyond the device are 1.
class RunFinder {
 public:
  static constexpr uint64_t kSlotsPerPage = 4096;
  using PageBits = std::array<uint64_t, kSlotsPerPage / 64>;
  // Gives a page's occupancy. The pointer stays valid until the next call.
  using PageLoader = std::function<Result<const PageBits*>(uint64_t page)>;
  // Free slots of a page if already known without loading, else kSlotsPerPage: lets full pages be
  // passed over without I/O.
  using FreeHint = std::function<uint64_t(uint64_t page)>;

  struct Request {
    uint64_t payload_bytes = 0;  // at least 1
    uint64_t slot_bytes = 4096;
    uint64_t header_bytes = 0;  // each extent begins with so many bytes that are not payload
    uint64_t max_extents = 64;  // kNoSpace if it would take more
    SlotId cursor{};            // where to begin; wraps round once
    uint64_t slot_count = 0;    // of the device
  };

  // First a single run from the cursor on that holds all (next fit, wrapping, across page borders);
  // if none, several runs, largest first among those seen. Each extent has room for its header and
  // at least one payload byte; together they hold payload_bytes. kNoSpace if there is not enough or
  // it would need more than max_extents. Reads each page at most twice.
  static Result<std::vector<Extent>> Find(const Request& request, const PageLoader& load,
                                          const FreeHint& hint);

  // Slots for `payload_bytes` in one extent.
  static uint64_t Needed(uint64_t payload_bytes, uint64_t slot_bytes, uint64_t header_bytes);
};

}  // namespace rawkv
