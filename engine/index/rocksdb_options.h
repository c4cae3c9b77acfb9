#pragma once

#include "engine/index/key_index.h"

namespace rocksdb {
class Env;
struct Options;
}  // namespace rocksdb

namespace rawkv {

// The RocksDB options of an index. `env` must outlive the database. The caller adds the flush listener.
rocksdb::Options MakeRocksdbOptions(const KeyIndexOptions& options, rocksdb::Env* env);

}  // namespace rawkv
