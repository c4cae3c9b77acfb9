#include "engine/index/index_batch.h"

#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/options.h>
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

// Keeps the last change of each key, in the order of keys.
class ChangeCollector : public rocksdb::WriteBatch::Handler {
 public:
  explicit ChangeCollector(IndexBatch::Changes& to) : to_(to) {}
  void Put(const rocksdb::Slice& key, const rocksdb::Slice& value) override {
    to_.insert_or_assign(key.ToString(), value.ToString());
  }
  void Delete(const rocksdb::Slice& key) override { to_.insert_or_assign(key.ToString(), std::nullopt); }

 private:
  IndexBatch::Changes& to_;
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

void IndexBatch::Put(std::string_view key, std::string_view value) {
  Must(collected_->Put(key, value));
  if (latest_) latest_->insert_or_assign(std::string(key), std::string(value));
}

void IndexBatch::Delete(std::string_view key) {
  Must(collected_->Delete(key));
  if (latest_) latest_->insert_or_assign(std::string(key), std::nullopt);
}

const IndexBatch::Changes& IndexBatch::LatestChanges() {
  if (!latest_) {
    Changes latest;
    ChangeCollector collector(latest);
    Must(collected_->Iterate(&collector));
    latest_ = std::move(latest);
  }
  return *latest_;
}

Result<std::optional<IndexEntry>> IndexBatch::GetEntry(std::string_view key) {
  const auto index_key = UserKey(key);
  const Changes& changes = LatestChanges();
  rocksdb::PinnableSlice value;
  rocksdb::Status status;
  if (const auto changed = changes.find(index_key.view()); changed == changes.end()) {
    status = db_.Get(rocksdb::ReadOptions(), db_.DefaultColumnFamily(), index_key.view(), &value);
  } else if (!changed->second) {
    return std::optional<IndexEntry>();
  } else {
    value.PinSelf(*changed->second);
  }
  return LookupResult(status, value.ToStringView(), dir_);
}

void IndexBatch::PutEncodedEntry(std::string_view key, std::string_view entry) {
  Put(UserKey(key).view(), entry);
}

void IndexBatch::DeleteEntry(std::string_view key) {
  Delete(UserKey(key).view());
}

Status IndexBatch::Walk(std::string_view first, std::string_view behind,
                        const std::function<Status(std::string_view, std::string_view)>& fn) {
  if (first >= behind) return Status::Ok();
  const Changes& changes = LatestChanges();
  auto change = changes.lower_bound(first);
  const auto end = changes.lower_bound(behind);
  const rocksdb::Slice upper = behind;
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> it(db_.NewIterator(options, db_.DefaultColumnFamily()));
  it->Seek(first);
  while (it->Valid() || change != end) {
    const int order = !it->Valid() ? 1 : change == end ? -1 : it->key().compare(change->first);
    if (order < 0) {
      RAWKV_RETURN_IF_ERROR(fn(it->key().ToStringView(), it->value().ToStringView()));
    } else {
      // The batch's own change of a key counts.
      if (change->second) RAWKV_RETURN_IF_ERROR(fn(change->first, *change->second));
      ++change;
    }
    if (order <= 0) it->Next();
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
  Put(PageKey(page).view(), EncodeAllocationPage(content));
}

void IndexBatch::PutDeferred(const DeferredFree& entry) {
  for (const DeferredFree& piece : BlockPieces(entry)) {
    const SlotId first = piece.extent.first;
    Put(DeferredBySlotKey(first).view(), EncodeDeferredBySlot(piece));
    Put(DeferredByVersionKey(piece.freed, first).view(), EncodeDeferredByVersion(piece));
  }
}

void IndexBatch::DeleteDeferred(const DeferredFree& entry) {
  for (const DeferredFree& piece : BlockPieces(entry)) {
    const SlotId first = piece.extent.first;
    Delete(DeferredBySlotKey(first).view());
    Delete(DeferredByVersionKey(piece.freed, first).view());
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
  return collected_->GetDataSize() + (meta_ ? meta_->size() : 0) + undo_bytes_;
}

void IndexBatch::Clear() {
  collected_->Clear();
  latest_.reset();
  ordered_->Clear();
  meta_.reset();
  undo_.clear();
  undo_bytes_ = 0;
}

rocksdb::WriteBatch& IndexBatch::Finish() {
  ChangeOrderer orderer(collected_->Count());
  Must(collected_->Iterate(&orderer));
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
