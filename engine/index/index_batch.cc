#include "engine/index/index_batch.h"

#include <rocksdb/comparator.h>
#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/options.h>
#include <rocksdb/utilities/write_batch_with_index.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/endian.h"
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

// Makes the changes of one batch in another one.
class ChangeCopier : public rocksdb::WriteBatch::Handler {
 public:
  explicit ChangeCopier(rocksdb::WriteBatchBase& to) : to_(to) {}
  void Put(const rocksdb::Slice& key, const rocksdb::Slice& value) override { Must(to_.Put(key, value)); }
  void Delete(const rocksdb::Slice& key) override { Must(to_.Delete(key)); }

 private:
  rocksdb::WriteBatchBase& to_;
};

// Orders the changes of one batch by their keys, as RocksDB inserts keys several times faster if each follows
// the one before. Keeps only the last change of a key.
class ChangeOrderer : public rocksdb::WriteBatch::Handler {
 public:
  explicit ChangeOrderer(size_t count) { changes_.reserve(count); }
  void Put(const rocksdb::Slice& key, const rocksdb::Slice& value) override { Add(key, value, true); }
  void Delete(const rocksdb::Slice& key) override { Add(key, {}, false); }

  void WriteTo(rocksdb::WriteBatch* out) {
    for (Change& change : changes_) change.head = HeadOf(change.key.substr(common_));
    std::stable_sort(changes_.begin(), changes_.end(), [](const Change& a, const Change& b) {
      return a.head != b.head ? a.head < b.head : a.key < b.key;
    });
    for (size_t i = 0; i < changes_.size(); ++i) {
      const Change& change = changes_[i];
      if (i + 1 < changes_.size() && changes_[i + 1].key == change.key) continue;
      Must(change.put ? out->Put(change.key, change.value) : out->Delete(change.key));
    }
  }

 private:
  struct Change {
    // The first bytes of the key in which the keys differ, as a number that orders like them.
    uint64_t head = 0;
    std::string_view key, value;
    bool put = false;
  };

  void Add(const rocksdb::Slice& key, const rocksdb::Slice& value, bool put) {
    common_ = changes_.empty() ? key.size() : std::min(common_, key.difference_offset(changes_.front().key));
    changes_.push_back({0, key.ToStringView(), value.ToStringView(), put});
  }

  static uint64_t HeadOf(std::string_view bytes) {
    char head[sizeof(uint64_t)] = {};
    bytes.copy(head, sizeof(head));
    return LoadBe64(head);
  }

  std::vector<Change> changes_;
  size_t common_ = 0;  // length of the prefix that all keys share
};

}  // namespace

IndexBatch::IndexBatch(rocksdb::DB& db, const std::string& dir)
    : db_(db),
      dir_(dir),
      collected_(std::make_unique<rocksdb::WriteBatch>()),
      ordered_(std::make_unique<rocksdb::WriteBatch>()) {}
IndexBatch::~IndexBatch() = default;

rocksdb::WriteBatchBase& IndexBatch::changes() const {
  if (readable_ != nullptr) return *readable_;
  return *collected_;
}

rocksdb::WriteBatchWithIndex& IndexBatch::Readable() {
  if (readable_ == nullptr) {
    readable_ = std::make_unique<rocksdb::WriteBatchWithIndex>(rocksdb::BytewiseComparator(),
                                                               /*reserved_bytes=*/0, /*overwrite_key=*/true);
    ChangeCopier copier(*readable_);
    Must(collected_->Iterate(&copier));
    collected_->Clear();
  }
  return *readable_;
}

Result<std::optional<IndexEntry>> IndexBatch::GetEntry(std::string_view key) {
  rocksdb::PinnableSlice value;
  const rocksdb::Status status =
      Readable().GetFromBatchAndDB(&db_, rocksdb::ReadOptions(), UserKey(key).view(), &value);
  return LookupResult(status, value.ToStringView(), dir_);
}

void IndexBatch::PutEncodedEntry(std::string_view key, std::string_view entry) {
  Must(changes().Put(UserKey(key).view(), entry));
}

void IndexBatch::DeleteEntry(std::string_view key) {
  Must(changes().Delete(UserKey(key).view()));
}

Status IndexBatch::Walk(std::string_view first, std::string_view behind,
                        const std::function<Status(std::string_view, std::string_view)>& fn) {
  const rocksdb::Slice upper = behind;
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> it(
      Readable().NewIteratorWithBase(db_.DefaultColumnFamily(), db_.NewIterator(options), &options));
  // The bound holds for the index below; the batch's own keys are compared here.
  for (it->Seek(first); it->Valid() && it->key().compare(upper) < 0; it->Next()) {
    RAWKV_RETURN_IF_ERROR(fn(it->key().ToStringView(), it->value().ToStringView()));
  }
  return FromRocksdb(it->status(), "scanning index " + dir_);
}

Status IndexBatch::ForEachKey(std::string_view begin, std::string_view end,
                              const std::function<Status(std::string_view, const IndexEntry&)>& fn) {
  return Walk(UserKey(begin).view(), UserKeyEnd(end).view(),
              [&](std::string_view key, std::string_view value) -> Status {
                const Result<IndexEntry> entry = DecodeIndexEntry(AsBytes(value));
                if (!entry.ok()) return entry.status().WithContext("index " + dir_);
                return fn(key.substr(1), *entry);
              });
}

void IndexBatch::PutPage(uint64_t page, const AllocationPage& content) {
  Must(changes().Put(PageKey(page).view(), EncodeAllocationPage(content)));
}

void IndexBatch::PutDeferred(const DeferredFree& entry) {
  for (const DeferredFree& piece : BlockPieces(entry)) {
    const SlotId first = piece.extent.first;
    Must(changes().Put(DeferredBySlotKey(first).view(), EncodeDeferredBySlot(piece)));
    Must(changes().Put(DeferredByVersionKey(piece.freed, first).view(), EncodeDeferredByVersion(piece)));
  }
}

void IndexBatch::DeleteDeferred(const DeferredFree& entry) {
  for (const DeferredFree& piece : BlockPieces(entry)) {
    const SlotId first = piece.extent.first;
    Must(changes().Delete(DeferredBySlotKey(first).view()));
    Must(changes().Delete(DeferredByVersionKey(piece.freed, first).view()));
  }
}

Result<std::vector<DeferredFree>> IndexBatch::DeferredOverlapping(const Extent& extent) {
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

Status IndexBatch::DeferredBeginningIn(SlotId first, SlotId behind, std::vector<DeferredFree>* found) {
  return Walk(DeferredBySlotKey(first).view(), DeferredBySlotKey(behind).view(),
              [&](std::string_view key, std::string_view value) -> Status {
                const Result<DeferredFree> entry = DecodeDeferredBySlot(key, value);
                if (!entry.ok()) return entry.status().WithContext("index " + dir_);
                found->push_back(*entry);
                return {};
              });
}

Result<std::vector<DeferredFree>> IndexBatch::DeferredFreedBy(Version freed) {
  std::vector<DeferredFree> found;
  const Status walked =
      Walk(DeferredByVersionKey(freed, SlotId(0)).view(), DeferredByVersionKey(Next(freed), SlotId(0)).view(),
           [&](std::string_view key, std::string_view value) -> Status {
             const Result<DeferredFree> entry = DecodeDeferredByVersion(key, value);
             if (!entry.ok()) return entry.status().WithContext("index " + dir_);
             found.push_back(*entry);
             return {};
           });
  if (!walked.ok()) return walked;
  return found;
}

void IndexBatch::PutUndo(Version version, std::string record) {
  undo_bytes_ += record.size();
  undo_.emplace_back(version, std::move(record));
}

void IndexBatch::DeleteUndo(Version version) {
  undo_.emplace_back(version, std::nullopt);
}

void IndexBatch::PutMeta(const MetaRecord& meta) {
  meta_ = EncodeMetaRecord(meta);
}

uint64_t IndexBatch::bytes() const {
  return changes().GetWriteBatch()->GetDataSize() + (meta_ ? meta_->size() : 0) + undo_bytes_;
}

void IndexBatch::Clear() {
  collected_->Clear();
  readable_.reset();
  ordered_->Clear();
  meta_.reset();
  undo_.clear();
  undo_bytes_ = 0;
}

rocksdb::WriteBatch& IndexBatch::Finish() {
  const rocksdb::WriteBatch& all = *changes().GetWriteBatch();
  ChangeOrderer orderer(all.Count());
  Must(all.Iterate(&orderer));
  orderer.WriteTo(ordered_.get());
  // The meta record and the undo records are put last: their keys follow all others, and share no prefix with
  // them.
  if (meta_) Must(ordered_->Put(IndexKey(KeySpace::kMeta).view(), *meta_));
  for (const auto& [version, record] : undo_) {
    Must(record ? ordered_->Put(UndoKey(version).view(), *record)
                : ordered_->Delete(UndoKey(version).view()));
  }
  return *ordered_;
}

}  // namespace rawkv
