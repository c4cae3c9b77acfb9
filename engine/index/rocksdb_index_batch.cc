#include "engine/index/rocksdb_index_batch.h"

#include <rocksdb/comparator.h>
#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/options.h>
#include <rocksdb/utilities/write_batch_with_index.h>

#include <utility>

#include "base/check.h"
#include "engine/index/deferred_record.h"
#include "engine/index/key_space.h"
#include "engine/index/rocksdb_lookup.h"
#include "engine/index/rocksdb_status.h"

namespace rawkv {
namespace {

// A batch is memory, without a limit set: nothing about changing it can fail.
void Must(const rocksdb::Status& status) {
  RAWKV_CHECK(status.ok(), status.ToString().c_str());
}

}  // namespace

RocksdbIndexBatch::RocksdbIndexBatch(rocksdb::DB& db, const std::string& dir)
    : db_(db),
      dir_(dir),
      batch_(std::make_unique<rocksdb::WriteBatchWithIndex>(rocksdb::BytewiseComparator(),
                                                            /*reserved_bytes=*/0, /*overwrite_key=*/true)) {}
RocksdbIndexBatch::~RocksdbIndexBatch() = default;

Result<std::optional<IndexEntry>> RocksdbIndexBatch::GetEntry(std::string_view key) {
  rocksdb::PinnableSlice value;
  const rocksdb::Status status =
      batch_->GetFromBatchAndDB(&db_, rocksdb::ReadOptions(), UserKey(key).view(), &value);
  return LookupResult(status, value.ToStringView(), dir_);
}

void RocksdbIndexBatch::PutEntry(std::string_view key, const IndexEntry& entry) {
  Must(batch_->Put(UserKey(key).view(), EncodeIndexEntry(entry)));
}

void RocksdbIndexBatch::DeleteEntry(std::string_view key) {
  Must(batch_->Delete(UserKey(key).view()));
}

Status RocksdbIndexBatch::ForEachKey(std::string_view begin, std::string_view end,
                                     const std::function<Status(std::string_view, const IndexEntry&)>& fn) {
  const IndexKey first = UserKey(begin);
  const IndexKey behind = UserKeyEnd(end);
  const rocksdb::Slice upper = behind.view();
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> it(
      batch_->NewIteratorWithBase(db_.DefaultColumnFamily(), db_.NewIterator(options), &options));
  // The bound holds for the index below; the batch's own keys are compared here.
  for (it->Seek(first.view()); it->Valid() && it->key().compare(upper) < 0; it->Next()) {
    const Result<IndexEntry> entry = DecodeIndexEntry(AsBytes(it->value().ToStringView()));
    if (!entry.ok()) return entry.status().WithContext("index " + dir_);
    RAWKV_RETURN_IF_ERROR(fn(it->key().ToStringView().substr(1), *entry));
  }
  return FromRocksdb(it->status(), "scanning index " + dir_);
}

void RocksdbIndexBatch::PutPage(uint64_t page, const AllocationPage& content) {
  Must(batch_->Put(PageKey(page).view(), EncodeAllocationPage(content)));
}

void RocksdbIndexBatch::PutDeferred(const DeferredFree& entry) {
  Must(batch_->Put(DeferredBySlotKey(entry.extent.first).view(), EncodeDeferredBySlot(entry)));
  Must(batch_->Put(DeferredByVersionKey(entry.freed, entry.extent.first).view(),
                   EncodeDeferredByVersion(entry)));
}

void RocksdbIndexBatch::DeleteDeferred(const DeferredFree& entry) {
  Must(batch_->Delete(DeferredBySlotKey(entry.extent.first).view()));
  Must(batch_->Delete(DeferredByVersionKey(entry.freed, entry.extent.first).view()));
}

rocksdb::Iterator& RocksdbIndexBatch::DeferredIterator() {
  const uint64_t sequence = db_.GetLatestSequenceNumber();
  if (deferred_iterator_ == nullptr || deferred_iterator_sequence_ != sequence) {
    deferred_iterator_.reset(batch_->NewIteratorWithBase(db_.NewIterator(rocksdb::ReadOptions())));
    deferred_iterator_sequence_ = sequence;
  }
  return *deferred_iterator_;
}

Result<std::vector<DeferredFree>> RocksdbIndexBatch::DeferredOverlapping(const Extent& extent) {
  rocksdb::Iterator& it = DeferredIterator();
  const IndexKey first = DeferredBySlotKey(extent.first);
  // Entries do not overlap each other, so at most one that begins before the extent reaches into it:
  // the last of those.
  it.SeekForPrev(first.view());
  if (it.Valid() && IsIn(KeySpace::kDeferredBySlot, it.key().ToStringView())) {
    const std::string start = it.key().ToString();
    it.Seek(start);
  } else {
    if (!it.status().ok()) return FromRocksdb(it.status(), "scanning index " + dir_);
    it.Seek(first.view());
  }
  std::vector<DeferredFree> found;
  for (; it.Valid() && IsIn(KeySpace::kDeferredBySlot, it.key().ToStringView()); it.Next()) {
    const Result<DeferredFree> entry =
        DecodeDeferredBySlot(it.key().ToStringView(), it.value().ToStringView());
    if (!entry.ok()) return entry.status().WithContext("index " + dir_);
    if (entry->extent.first >= extent.end()) break;
    if (entry->extent.Overlaps(extent)) found.push_back(*entry);
  }
  if (!it.status().ok()) return FromRocksdb(it.status(), "scanning index " + dir_);
  return found;
}

void RocksdbIndexBatch::PutMeta(const MetaRecord& meta) {
  meta_ = EncodeMetaRecord(meta);
}

uint64_t RocksdbIndexBatch::bytes() const {
  return batch_->GetDataSize() + (meta_ ? meta_->size() : 0);
}

rocksdb::WriteBatch& RocksdbIndexBatch::Finish() {
  if (meta_) Must(batch_->Put(IndexKey(KeySpace::kMeta).view(), *meta_));
  meta_.reset();
  return *batch_->GetWriteBatch();
}

}  // namespace rawkv
