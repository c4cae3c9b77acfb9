#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/extent.h"
#include "base/result.h"
#include "blockdev/run_finder.h"

namespace rawkv {

// Occupancy of kSlotsPerPage slots. A slot is free (neither bit), deferred (taken) or live (taken and
// live); live without taken does not exist. An absent page is all free.
struct AllocationPage {
  static constexpr uint64_t kSlots = RunFinder::kSlotsPerPage;
  RunFinder::PageBits taken{};
  RunFinder::PageBits live{};

  uint64_t TakenCount() const;
  uint64_t LiveCount() const;
  friend bool operator==(const AllocationPage&, const AllocationPage&) = default;
};

// With its free count in front, so that it can be judged without counting. Decode: kCorruption if the
// count or the bits contradict each other.
std::string EncodeAllocationPage(const AllocationPage& page);
Result<AllocationPage> DecodeAllocationPage(ConstBytes bytes);

// Slots freed at version `freed`, born at `born`; reachable at versions [born, freed).
struct DeferredFree {
  Extent extent;
  Version born;
  Version freed;
  friend bool operator==(const DeferredFree&, const DeferredFree&) = default;
};

}  // namespace rawkv
