#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "engine/index/allocation_page.h"
#include "engine/index/index_entry.h"
#include "engine/index/meta_record.h"

namespace rocksdb {
class DB;
class WriteBatch;
}  // namespace rocksdb

namespace rawkv {

// Changes that KeyIndex::Apply applies in one step. Reads through the batch see its changes on top of the
// present index. It only collects the changes until the first read: most batches of small values are never
// read, and what makes a batch readable costs more than everything else. GetEntry needs a hash table of the
// changed keys, and a walk needs all changes in order, which costs several times as much. Not thread-safe;
// for the holder of the write right.
class IndexBatch {
 public:
  // Values by raw key; absent where the key is deleted.
  using Changes = std::map<std::string, std::optional<std::string>, std::less<>>;

  // `db` and `dir` must outlive the batch.
  IndexBatch(rocksdb::DB& db, const std::string& dir);
  ~IndexBatch();
  Result<std::optional<IndexEntry>> GetEntry(std::string_view key);
  void PutEntry(std::string_view key, const IndexEntry& entry) {
    PutEncodedEntry(key, EncodeIndexEntry(entry));
  }
  void PutEncodedEntry(std::string_view key, std::string_view entry);
  void DeleteEntry(std::string_view key);
  // Calls `fn` with the user keys of [begin, end) as this batch leaves them; end "": to the last key. `fn`
  // must not change the batch.
  Status ForEachKey(std::string_view begin, std::string_view end,
                    const std::function<Status(std::string_view, const IndexEntry&)>& fn);
  void PutPage(uint64_t page, const AllocationPage& content);
  // The index stores and returns a deferred free in pieces, none of which crosses a multiple of 256 slots
  // (deferred_record.h). The caller may delete it as a whole or piece by piece.
  void PutDeferred(const DeferredFree& entry);
  void DeleteDeferred(const DeferredFree& entry);
  // The deferred frees that overlap the extent, in the order of slots, as this batch leaves them.
  Result<std::vector<DeferredFree>> DeferredOverlapping(const Extent& extent);
  // The deferred frees that `freed` made, in the order of slots, as this batch leaves them.
  Result<std::vector<DeferredFree>> DeferredFreedBy(Version freed);
  void PutMeta(const MetaRecord& meta);
  // The undo record of a version (engine/undo). Each version at most once in a batch.
  void PutUndo(Version version, std::string record);
  void DeleteUndo(Version version);
  uint64_t bytes() const;  // approximate size
  void Clear();            // drops all changes and keeps the memory for the next ones

  // Returns all changes, for KeyIndex::Apply. After this the caller only clears or destroys the batch.
  rocksdb::WriteBatch& Finish();

 private:
  // Calls `fn` with the raw keys and values of [first, behind) as this batch leaves them, until `fn` fails.
  Status Walk(std::string_view first, std::string_view behind,
              const std::function<Status(std::string_view key, std::string_view value)>& fn);
  Status DeferredBeginningIn(SlotId first, SlotId behind, std::vector<DeferredFree>* found);
  void Put(std::string_view key, std::string_view value);
  void Delete(std::string_view key);
  const Changes& LatestChanges();

  rocksdb::DB& db_;
  const std::string& dir_;
  const std::unique_ptr<rocksdb::WriteBatch> collected_;  // all changes, in the order of the calls
  std::optional<Changes> latest_;                       // the last change of each key, from the first read on
  const std::unique_ptr<rocksdb::WriteBatch> ordered_;  // what Finish returns
  std::optional<std::string> meta_;  // Finish puts it, so that only the last one is written
  // Undo records, absent where one is deleted. Finish puts them after everything else: they are large, and
  // nothing reads them through the batch.
  std::vector<std::pair<Version, std::optional<std::string>>> undo_;
  uint64_t undo_bytes_ = 0;
};

}  // namespace rawkv
