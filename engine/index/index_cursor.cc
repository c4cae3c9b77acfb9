#include "engine/index/index_cursor.h"

#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/options.h>
#include <rocksdb/slice.h>

#include <utility>

#include "engine/rocksdb/rocksdb_status.h"

namespace rawkv {

IndexCursor::IndexCursor(rocksdb::DB& db, std::string dir, std::string_view lower, std::string_view upper,
                         std::shared_ptr<const ReadPoint> at)
    : dir_(std::move(dir)),
      at_(std::move(at)),
      lower_key_(UserKey(lower)),
      upper_key_(UserKeyEnd(upper)),
      lower_(std::make_unique<rocksdb::Slice>(lower_key_.view())),
      upper_(std::make_unique<rocksdb::Slice>(upper_key_.view())) {
  rocksdb::ReadOptions options;
  options.snapshot = ReadPoint::SnapshotOf(at_.get());
  options.iterate_lower_bound = lower_.get();
  options.iterate_upper_bound = upper_.get();
  iterator_.reset(db.NewIterator(options));
}
IndexCursor::~IndexCursor() = default;

bool IndexCursor::Valid() const {
  return iterator_->Valid();
}
void IndexCursor::SeekToFirst() {
  iterator_->Seek(*lower_);
}
void IndexCursor::SeekToLast() {
  iterator_->SeekToLast();
}
void IndexCursor::Seek(std::string_view key) {
  iterator_->Seek(UserKey(key).view());
}
void IndexCursor::Next() {
  iterator_->Next();
}
void IndexCursor::Prev() {
  iterator_->Prev();
}
std::string_view IndexCursor::key() const {
  return iterator_->key().ToStringView().substr(1);
}
Result<IndexEntry> IndexCursor::entry() const {
  Result<IndexEntry> entry = DecodeIndexEntry(AsBytes(iterator_->value().ToStringView()));
  return entry.ok() ? std::move(entry) : entry.status().WithContext("index " + dir_);
}
std::string_view IndexCursor::encoded_entry() const {
  return iterator_->value().ToStringView();
}
Status IndexCursor::status() const {
  return FromRocksdb(iterator_->status(), "scanning index " + dir_);
}

}  // namespace rawkv
