#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/extent.h"
#include "base/result.h"

namespace rawkv {

// Finds runs of free slots for a payload. Pure: reads the occupancy only through `PageLoader`.
//
// A page describes kSlotsPerPage slots, one bit a slot; 1 = taken (live, deferred or reserved). Bits of the
// last page that are past the end of the device are 1.
class RunFinder {
 public:
  static constexpr uint64_t kSlotsPerPage = 4096;
  using PageBits = std::array<uint64_t, kSlotsPerPage / 64>;
  // Returns the bits of a page. The pointer is valid until the next call.
  using PageLoader = std::function<Result<const PageBits*>(uint64_t page)>;
  // Returns the number of free slots in a page if it is known without a load, else kSlotsPerPage. Find skips
  // full pages without I/O.
  using FreeHint = std::function<uint64_t(uint64_t page)>;

  struct Request {
    uint64_t payload_bytes = 0;  // at least 1
    uint64_t slot_bytes = 4096;
    uint64_t header_bytes = 0;  // bytes at the start of each extent that are not payload
    uint64_t max_extents = 64;  // kNoSpace if the payload needs more
    SlotId cursor{};            // where the search begins; it wraps around once
    uint64_t slot_count = 0;    // of the device
  };

  // Returns the first run after the cursor that holds the whole payload (next fit, with wrap-around, across
  // pages). If there is none, returns several runs, the largest first. Each extent has room for its header
  // and at least one payload byte, and together they hold payload_bytes. kNoSpace if the free slots do not
  // suffice or more than max_extents are needed. Reads each page at most twice.
  static Result<std::vector<Extent>> Find(const Request& request, const PageLoader& load,
                                          const FreeHint& hint);

  // The number of slots that `payload_bytes` take in one extent.
  static uint64_t SlotsNeeded(uint64_t payload_bytes, uint64_t slot_bytes, uint64_t header_bytes);
};

}  // namespace rawkv
