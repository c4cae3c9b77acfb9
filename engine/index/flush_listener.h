#pragma once

#include <memory>
#include <string>

#include "base/logger.h"
#include "engine/index/flush_tracker.h"

namespace rocksdb {
class EventListener;
}

namespace rawkv {

// Tells `tracker` what RocksDB's background work came to, and keeps RocksDB from recovering by itself:
// that would flush what is in memory at a moment of its own choice (invariant 8).
//
// A full filesystem is no lasting failure (invariant 13): files that could not be written whole were
// dropped, the memtable is still there, and the next flush writes it. All other errors are lasting.
std::shared_ptr<rocksdb::EventListener> MakeFlushListener(std::shared_ptr<FlushTracker> tracker,
                                                          Logger* logger, std::string dir);

}  // namespace rawkv
