#pragma once

#include <optional>
#include <vector>

#include "engine/api/history.h"
#include "engine/read/engine_iterator.h"
#include "engine/read/history.h"

// The keys that differ between two versions, found in one of three ways (DiffWay). All three give the same
// answer. The functions take no lock. A writer may remove segments and snapshots meanwhile; then they fail,
// and the caller repeats them.
namespace rawkv {

struct DiffRange {
  Version older, newer;
  KeyBounds bounds;
};
using Differences = std::vector<KeyDifference>;  // ascending keys; `from` is the older version

// Bounds the keys that a collection holds in memory.
inline constexpr uint64_t kMaxDiffBytes = 256ull << 20;
inline constexpr size_t kMaxDiffRanges = 1000;  // deleted ranges that DiffByLog takes

// From the undo records of the versions above the older one, up to that of the index: they hold what each
// version overwrote. Absent if one of them is missing, if they have more than kMaxDiffBytes, or if a version
// of the range is not reachable.
Result<std::optional<Differences>> DiffByUndo(const HistorySource& source, const DiffRange& range);

// From the log: what it changed between the two versions. What these keys had before stands in the newest
// snapshot below and the log after it. Absent if the log does not reach, or if that is more than
// kMaxDiffBytes or kMaxDiffRanges.
Result<std::optional<Differences>> DiffByLog(const HistorySource& source, const DiffRange& range);

// Walks all keys of both versions, until it has found `limit` differences.
Status DiffByComparison(const EngineView& older, const EngineView& newer, const KeyBounds& bounds,
                        uint64_t limit, const DiffFn& fn);

}  // namespace rawkv
