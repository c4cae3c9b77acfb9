#pragma once

#include <functional>

#include "blockdev/superblock.h"
#include "engine/api/options.h"
#include "engine/index/key_index.h"
#include "wal/replay_rate.h"
#include "wal/wal.h"

namespace rawkv {

using RecordFn = std::function<Status(const LogRecord&)>;

struct ReplayTarget {
  KeyIndex* index = nullptr;
  uint64_t slot_count = 0;     // of the device
  uint64_t undo_versions = 0;  // the newest versions get undo records
  ProgressFn progress;
  Clock* clock = nullptr;      // not null if `rate` is set
  ReplayRate* rate = nullptr;  // notes how fast the replay was; may be null
  // Called between batches; may flush the index if the log is durable through the applied version. May be
  // null.
  std::function<Status()> between_batches;
  // Calls `fn` with the records of [from, to] in order. Null: ReadLog.
  std::function<Status(Version from, Version to, const RecordFn& fn)> read;
};

// Applies the log's records above the index's applied version up to `to`, in order and without gaps
// (invariant 7). Returns the meta record of the last version. After an error the index holds a whole version
// between its old one and `to`.
Result<MetaRecord> ReplayInto(const ReplayTarget& target, const WalContext& log, Version to);

}  // namespace rawkv
