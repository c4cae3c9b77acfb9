#pragma once

#include "engine/index/key_index.h"

namespace rocksdb {
class Env;
struct Options;
}  // namespace rocksdb

namespace rawkv {

// How the index runs RocksDB; `env` must outlive the database. Listener and tracker are the caller's.
rocksdb::Options MakeRocksdbOptions(const KeyIndexOptions& options, rocksdb::Env* env);

}  // namespace rawkv
