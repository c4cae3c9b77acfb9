#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/extent.h"
#include "base/result.h"
#include "blockdev/run_finder.h"

namespace rawkv {

// The states of kSlots slots. A slot is free (no bit is set), deferred (taken) or live (taken and live). A
// slot is never live without being taken. All slots of an absent page are free.
struct AllocationPage {
  static constexpr uint64_t kSlots = RunFinder::kSlotsPerPage;
  RunFinder::PageBits taken{};
  RunFinder::PageBits live{};

  uint64_t TakenCount() const;
  friend bool operator==(const AllocationPage&, const AllocationPage&) = default;
};

// To and from the stored form (docs/formats/index.md), which has the number of free slots in front.
// kCorruption: the number and the bits contradict each other.
std::string EncodeAllocationPage(const AllocationPage& page);
Result<AllocationPage> DecodeAllocationPage(ConstBytes bytes);

// Slots that version `born` wrote and version `freed` freed. The versions in [born, freed) need them.
struct DeferredFree {
  Extent extent;
  Version born;
  Version freed;
  friend bool operator==(const DeferredFree&, const DeferredFree&) = default;
};

}  // namespace rawkv
