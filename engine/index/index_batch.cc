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
#include "engine/rocksdb/rocksdb_status.h"

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

Status RocksdbIndexBatch::Walk(std::string_view first, std::string_view behind,
                               const std::function<Status(std::string_view, std::string_view)>& fn) {
  const rocksdb::Slice upper = behind;
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> it(
      batch_->NewIteratorWithBase(db_.DefaultColumnFamily(), db_.NewIterator(options), &options));
  // The bound holds for the index below; the batch's own keys are compared here.
  for (it->Seek(first); it->Valid() && it->key().compare(upper) < 0; it->Next()) {
    RAWKV_RETURN_IF_ERROR(fn(it->key().ToStringView(), it->value().ToStringView()));
  }
  return FromRocksdb(it->status(), "scanning index " + dir_);
}

Status RocksdbIndexBatch::ForEachKey(std::string_view begin, std::string_view end,
                                     const std::function<Status(std::string_view, const IndexEntry&)>& fn) {
  return Walk(UserKey(begin).view(), UserKeyEnd(end).view(),
              [&](std::string_view key, std::string_view value) -> Status {
                const Result<IndexEntry> entry = DecodeIndexEntry(AsBytes(value));
                if (!entry.ok()) return entry.status().WithContext("index " + dir_);
                return fn(key.substr(1), *entry);
              });
}

void RocksdbIndexBatch::PutPage(uint64_t page, const AllocationPage& content) {
  Must(batch_->Put(PageKey(page).view(), EncodeAllocationPage(content)));
}

void RocksdbIndexBatch::PutDeferred(const DeferredFree& entry) {
  for (const DeferredFree& piece : BlockPieces(entry)) {
    const SlotId first = piece.extent.first;
    Must(batch_->Put(DeferredBySlotKey(first).view(), EncodeDeferredBySlot(piece)));
    Must(batch_->Put(DeferredByVersionKey(piece.freed, first).view(), EncodeDeferredByVersion(piece)));
  }
}

void RocksdbIndexBatch::DeleteDeferred(const DeferredFree& entry) {
  for (const DeferredFree& piece : BlockPieces(entry)) {
    const SlotId first = piece.extent.first;
    Must(batch_->Delete(DeferredBySlotKey(first).view()));
    Must(batch_->Delete(DeferredByVersionKey(piece.freed, first).view()));
  }
}

Result<std::vector<DeferredFree>> RocksdbIndexBatch::DeferredOverlapping(const Extent& extent) {
  std::vector<DeferredFree> found;
  RAWKV_RETURN_IF_ERROR(DeferredBeginningIn(extent.first, extent.end(), &found));
  // Entries do not overlap each other: one that begins with the extent leaves nothing to look for in
  // front of it, and that is how extents are mostly used again.
  if (!found.empty() && found.front().extent.first == extent.first) return found;
  std::vector<DeferredFree> in_front;
  RAWKV_RETURN_IF_ERROR(DeferredBeginningIn(BlockStart(extent.first), extent.first, &in_front));
  if (!in_front.empty() && in_front.back().extent.Overlaps(extent)) {
    found.insert(found.begin(), in_front.back());
  }
  return found;
}

Status RocksdbIndexBatch::DeferredBeginningIn(SlotId first, SlotId behind, std::vector<DeferredFree>* found) {
  return Walk(DeferredBySlotKey(first).view(), DeferredBySlotKey(behind).view(),
              [&](std::string_view key, std::string_view value) -> Status {
                const Result<DeferredFree> entry = DecodeDeferredBySlot(key, value);
                if (!entry.ok()) return entry.status().WithContext("index " + dir_);
                found->push_back(*entry);
                return {};
              });
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
