#pragma once

namespace rocksdb {
class DB;
class Snapshot;
}  // namespace rocksdb

namespace rawkv {

// A state of the index that is held still for reading (RocksDB calls it a snapshot). Must not outlive the
// index.
class ReadPoint {
 public:
  explicit ReadPoint(rocksdb::DB& db);
  ~ReadPoint();
  ReadPoint(const ReadPoint&) = delete;
  ReadPoint& operator=(const ReadPoint&) = delete;

  // The snapshot for rocksdb::ReadOptions; null, the present state, for null.
  static const rocksdb::Snapshot* SnapshotOf(const ReadPoint* at) {
    return at == nullptr ? nullptr : at->snapshot_;
  }

 private:
  rocksdb::DB& db_;
  const rocksdb::Snapshot* const snapshot_;
};

}  // namespace rawkv
