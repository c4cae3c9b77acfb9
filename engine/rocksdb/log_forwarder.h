#pragma once

#include <memory>
#include <string>

#include "base/logger.h"

namespace rocksdb {
class Logger;
}

namespace rawkv {

// Forwards RocksDB's warnings and errors to `to` and drops the rest; null: drops all. Without a logger,
// RocksDB would make LOG files in the directory. `to` must outlive the index.
std::shared_ptr<rocksdb::Logger> ForwardRocksdbLog(Logger* to, std::string dir);

}  // namespace rawkv
