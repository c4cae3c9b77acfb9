#include "engine/index/rocksdb_cursor.h"

#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/options.h>

#include <utility>

#include "engine/index/key_space.h"
#include "engine/index/rocksdb_read_point.h"
#include "engine/rocksdb/rocksdb_status.h"

namespace rawkv {
namespace {

class RocksdbCursor final : public IndexCursor {
 public:
  RocksdbCursor(rocksdb::DB& db, std::string dir, std::string_view lower, std::string_view upper,
                std::shared_ptr<const ReadPoint> at)
      : dir_(std::move(dir)), at_(std::move(at)), lower_key_(UserKey(lower)), upper_key_(UserKeyEnd(upper)) {
    rocksdb::ReadOptions options;
    options.snapshot = RocksdbReadPoint::SnapshotOf(at_.get());
    options.iterate_lower_bound = &lower_;
    options.iterate_upper_bound = &upper_;
    iterator_.reset(db.NewIterator(options));
  }

  bool Valid() const override { return iterator_->Valid(); }
  void SeekToFirst() override { iterator_->Seek(lower_); }
  void SeekToLast() override { iterator_->SeekToLast(); }
  void Seek(std::string_view key) override { iterator_->Seek(UserKey(key).view()); }
  void Next() override { iterator_->Next(); }
  void Prev() override { iterator_->Prev(); }
  std::string_view key() const override { return iterator_->key().ToStringView().substr(1); }
  Result<IndexEntry> entry() const override {
    Result<IndexEntry> entry = DecodeIndexEntry(AsBytes(iterator_->value().ToStringView()));
    return entry.ok() ? std::move(entry) : entry.status().WithContext("index " + dir_);
  }
  Status status() const override { return FromRocksdb(iterator_->status(), "scanning index " + dir_); }

 private:
  const std::string dir_;
  const std::shared_ptr<const ReadPoint> at_;
  const IndexKey lower_key_;
  const IndexKey upper_key_;
  // RocksDB keeps pointers to these two.
  const rocksdb::Slice lower_ = lower_key_.view();
  const rocksdb::Slice upper_ = upper_key_.view();
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

}  // namespace

std::unique_ptr<IndexCursor> NewRocksdbCursor(rocksdb::DB& db, std::string dir, std::string_view lower,
                                              std::string_view upper, std::shared_ptr<const ReadPoint> at) {
  return std::make_unique<RocksdbCursor>(db, std::move(dir), lower, upper, std::move(at));
}

}  // namespace rawkv
