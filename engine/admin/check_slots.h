#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <tuple>
#include <unordered_set>
#include <vector>

#include "engine/admin/inspect.h"
#include "engine/index/key_index.h"
#include "engine/payload/payload_io.h"

namespace rawkv {

// One live extent as an index names it.
struct LiveExtent {
  Extent extent;
  WriteId write_id;
  Version born;
  friend bool operator<(const LiveExtent& a, const LiveExtent& b) { return a.extent.first < b.extent.first; }
};

// The slots of one index, recomputed from its keys and held against what it says of itself
// (invariant 3): keys ↔ live bits, deferred entries ↔ taken bits, both ↔ the meta record's counts.
class SlotCheck {
 public:
  // `name` says which index findings are about.
  SlotCheck(KeyIndex& index, std::string name, uint64_t slot_count)
      : index_(index), name_(std::move(name)), slot_count_(slot_count) {}

  // Walks the index. An error is about reading it; what is wrong with the slots goes to `report`.
  Status Run(CheckReport* report);

  // Every extent live in `older` (a snapshot at `version`) must be held here: live with the same write
  // id, or deferred and reachable at that version (invariant 2).
  void CheckHoldsSlotsOf(const SlotCheck& older, Version version, CheckReport* report);

  // Writes pages, counts and deferred entries anew as the keys say: slots that nothing holds become free,
  // those that a live value holds are taken and not deferred. After Run, on an index opened for writing.
  // Values that share a slot go on doing so: which of them is damaged their checksums tell.
  Status Correct();

  Version version() const { return meta_.applied; }
  // What Run found; slots that are merely leaked cost space and endanger nothing.
  enum class Worst : uint8_t { kNothing, kLeaks, kWrong };
  Worst worst() const { return worst_; }

 private:
  Status CollectLive(CheckReport* report);
  Status CollectDeferred(CheckReport* report);
  void CheckOverlaps(CheckReport* report);
  Status CheckPages(CheckReport* report);
  void CheckCounts(CheckReport* report);
  void AddFinding(CheckReport* report, const Extent& where, std::string message, Worst how = Worst::kWrong);
  void Worsen(Worst how) { worst_ = std::max(worst_, how); }
  Status TrimDeferred(IndexBatch& batch);
  struct Pages;
  Pages ComputePages() const;

  KeyIndex& index_;
  const std::string name_;
  const uint64_t slot_count_;
  MetaRecord meta_;
  std::vector<LiveExtent> live_;        // by slot
  std::vector<DeferredFree> deferred_;  // by slot
  Worst worst_ = Worst::kNothing;
};

// The payloads that a check has verified, each by write id and place: write ids alone repeat after 2^24 opens
// (docs/adr/0015).
class VerifiedPayloads {
 public:
  // True if it was not there.
  bool Add(const PayloadRef& ref) {
    return seen_.emplace(ref.write_id, ref.extents.empty() ? SlotId() : ref.extents.front().first, ref.length)
        .second;
  }

 private:
  struct Hash {
    size_t operator()(const std::tuple<WriteId, SlotId, uint64_t>& key) const {
      const auto& [write_id, first, length] = key;
      return std::hash<uint64_t>{}(write_id.value() ^ (first.value() << 20) ^ length);
    }
  };
  std::unordered_set<std::tuple<WriteId, SlotId, uint64_t>, Hash> seen_;
};

// Reads and verifies every payload that `index` names, but for those seen before. What is wrong with one
// goes to *report; an error means that the operating system refused the read, or that the index cannot be
// read.
Status CheckPayloads(KeyIndex& index, const std::string& name, PayloadIo& payload, VerifiedPayloads* seen,
                     const ProgressFn& progress, CheckReport* report);
Status CheckOnePayload(std::string_view key, const IndexEntry& entry, const std::string& name,
                       PayloadIo& payload, VerifiedPayloads* seen, CheckReport* report);

}  // namespace rawkv
