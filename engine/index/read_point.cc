#include "engine/index/read_point.h"

#include <rocksdb/db.h>

namespace rawkv {

ReadPoint::ReadPoint(rocksdb::DB& db) : db_(db), snapshot_(db.GetSnapshot()) {}
ReadPoint::~ReadPoint() {
  db_.ReleaseSnapshot(snapshot_);
}

}  // namespace rawkv
