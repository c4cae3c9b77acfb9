#pragma once

#include <memory>
#include <string>

#include "base/logger.h"
#include "engine/rocksdb/flush_tracker.h"

namespace rocksdb {
class EventListener;
}

namespace rawkv {

// Reports the results of RocksDB's background work to `tracker`, and keeps RocksDB from recovering by itself:
// such a recovery flushes the memtable at a moment that RocksDB chooses (invariant 8).
//
// A lack of room or descriptors is a passing failure (invariant 13): RocksDB dropped the incomplete files,
// the memtable is still there, and the next flush writes it. All other errors are lasting.
std::shared_ptr<rocksdb::EventListener> MakeFlushListener(std::shared_ptr<FlushTracker> tracker,
                                                          Logger* logger, std::string dir);

}  // namespace rawkv
