#pragma once

#include "engine/index/key_index.h"

namespace rocksdb {
class DB;
class Snapshot;
}  // namespace rocksdb

namespace rawkv {

// A RocksDB snapshot as a ReadPoint. `db` must outlive it.
class RocksdbReadPoint final : public ReadPoint {
 public:
  explicit RocksdbReadPoint(rocksdb::DB& db);
  ~RocksdbReadPoint() override;
  RocksdbReadPoint(const RocksdbReadPoint&) = delete;
  RocksdbReadPoint& operator=(const RocksdbReadPoint&) = delete;

  // The snapshot for rocksdb::ReadOptions; null, the present state, for null.
  static const rocksdb::Snapshot* SnapshotOf(const ReadPoint* at) {
    return at == nullptr ? nullptr : static_cast<const RocksdbReadPoint*>(at)->snapshot_;
  }

 private:
  rocksdb::DB& db_;
  const rocksdb::Snapshot* const snapshot_;
};

}  // namespace rawkv
