#pragma once

#include <functional>

#include "blockdev/superblock.h"
#include "engine/api/options.h"
#include "engine/index/key_index.h"
#include "wal/wal.h"

namespace rawkv {

using RecordFn = std::function<Status(const LogRecord&)>;

struct ReplayTarget {
  KeyIndex* index = nullptr;
  uint64_t slot_count = 0;  // of the device
  ProgressFn progress;
  // Called between batches; may flush the index. The log must be durable through what was applied.
  std::function<Status()> between_batches;
  // Hands out the records of [from, to] in order; null: ReadLog.
  std::function<Status(Version from, Version to, const RecordFn& fn)> read;
};

// Applies the log's records above the index's version up to `to`, in order and without gaps
// (invariant 7). The index ends at `to`, or where it was when an error stopped it mid-way: at a
// version in between, whole. Returns the meta record of the end.
Result<MetaRecord> ReplayInto(const ReplayTarget& target, const WalContext& log, Version to);

}  // namespace rawkv
