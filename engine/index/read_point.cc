#include "engine/index/rocksdb_read_point.h"

#include <rocksdb/db.h>

namespace rawkv {

RocksdbReadPoint::RocksdbReadPoint(rocksdb::DB& db) : db_(db), snapshot_(db.GetSnapshot()) {}
RocksdbReadPoint::~RocksdbReadPoint() {
  db_.ReleaseSnapshot(snapshot_);
}

}  // namespace rawkv
