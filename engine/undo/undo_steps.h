#pragma once

#include <cstdint>

#include "base/lineage_chain.h"
#include "base/result.h"
#include "engine/api/options.h"
#include "engine/index/key_index.h"

namespace rawkv {

struct UndoTarget {
  KeyIndex* index = nullptr;
  uint64_t slot_count = 0;  // of the device
  LineageChain chain;       // of the store
  ProgressFn progress;
};

// Takes the index from its version back to `to`, one version after the other, by the undo records. Each
// version is undone as a whole: its keys get the entries that it overwrote, the slots that it wrote become
// free, and the slots that it freed become live. Slots that were reclaimed since stay free. Returns the meta
// record of `to`.
//
// The caller makes sure that every version from `to` on is reachable, so that no slot of theirs was reclaimed
// (invariant 2).
//
// kFailedPrecondition: a record is missing, or is of another branch. kCorruption: a record contradicts the
// index. After any error the index holds a whole version between its old one and `to`; the caller drops it.
Result<MetaRecord> UndoTo(const UndoTarget& target, Version to);

// Whether every version of `index` above `to` has an undo record.
Result<bool> UndoLeadsTo(KeyIndex& index, Version to);

// Deletes the undo records of versions below `from`. Returns the oldest version that has one, or Next(tip).
Result<Version> DropUndoBelow(KeyIndex& index, Version from, Version tip);

// The first version that has a record if the newest `window` versions up to `tip` have one.
constexpr Version FirstInUndoWindow(Version tip, uint64_t window) {
  return tip.value() < window ? Version(0) : Version(tip.value() - window + 1);
}

}  // namespace rawkv
