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

// Computes the slots of one index from its keys, and compares them with what the index records (invariant 3):
// the keys with the live bits, the deferred frees with the taken bits, and both with the counts in the meta
// record. Not thread-safe.
class SlotCheck {
 public:
  // `name` names the index in findings.
  SlotCheck(KeyIndex& index, std::string name, uint64_t slot_count)
      : index_(index), name_(std::move(name)), slot_count_(slot_count) {}

  // Walks the index. Adds damage to `report`; returns an error only if the index cannot be read.
  Status Run(CheckReport* report);

  // Checks that this index holds every extent that is live in `older`, a snapshot at `version` (invariant 2):
  // live with the same write id, or deferred and reachable at that version. Both must have run.
  void CheckHoldsSlotsOf(const SlotCheck& older, Version version, CheckReport* report);

  // Writes pages, counts and deferred frees as the keys demand: slots that nothing holds become free, and
  // slots that a live value holds become live. Does not separate values that share a slot; their checksums
  // show which of them is damaged. Call it after Run, on an index that is open for writing.
  Status Correct();

  Version version() const { return meta_.applied; }
  // The worst thing that Run found. Leaked slots cost space and endanger nothing.
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

// The payloads that a check has verified. Write id and place identify one: write ids alone repeat after 2^24
// opens (docs/adr/0015).
class VerifiedPayloads {
 public:
  // Returns whether the payload is new.
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

// Reads and verifies every payload that `index` names and that is not in `*seen`. Adds damage to `*report`.
// Returns an error if the operating system refuses a read, or if the index cannot be read.
Status CheckPayloads(KeyIndex& index, const std::string& name, PayloadIo& payload, VerifiedPayloads* seen,
                     const ProgressFn& progress, CheckReport* report);
Status CheckOnePayload(std::string_view key, const IndexEntry& entry, const std::string& name,
                       PayloadIo& payload, VerifiedPayloads* seen, CheckReport* report);

}  // namespace rawkv
