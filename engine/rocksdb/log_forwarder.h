#pragma once

#include <memory>
#include <string>

#include "base/logger.h"

namespace rocksdb {
class Logger;
}

namespace rawkv {

// Passes RocksDB's warnings and errors on to `to` (null: nowhere) and drops the rest. Without a logger
// of ours RocksDB would make LOG files in the directory. `to` must outlive the index.
std::shared_ptr<rocksdb::Logger> ForwardRocksdbLog(Logger* to, std::string dir);

}  // namespace rawkv
