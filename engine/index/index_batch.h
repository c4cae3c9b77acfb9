#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/index/key_index.h"

namespace rocksdb {
class DB;
class WriteBatch;
class WriteBatchBase;
class WriteBatchWithIndex;
}  // namespace rocksdb

namespace rawkv {

// An IndexBatch over RocksDB. It only collects the changes until somebody reads through the batch: most
// batches of small values are never read, and an index over the changes costs more than all else.
class RocksdbIndexBatch final : public IndexBatch {
 public:
  // `db` and `dir` must outlive the batch.
  RocksdbIndexBatch(rocksdb::DB& db, const std::string& dir);
  ~RocksdbIndexBatch() override;

  Result<std::optional<IndexEntry>> GetEntry(std::string_view key) override;
  void PutEntry(std::string_view key, const IndexEntry& entry) override;
  void DeleteEntry(std::string_view key) override;
  Status ForEachKey(std::string_view begin, std::string_view end,
                    const std::function<Status(std::string_view, const IndexEntry&)>& fn) override;
  void PutPage(uint64_t page, const AllocationPage& content) override;
  void PutDeferred(const DeferredFree& entry) override;
  void DeleteDeferred(const DeferredFree& entry) override;
  Result<std::vector<DeferredFree>> DeferredOverlapping(const Extent& extent) override;
  void PutMeta(const MetaRecord& meta) override;
  uint64_t bytes() const override;
  void Clear() override;

  // Returns all changes, for KeyIndex::Apply. After this the caller only clears or destroys the batch.
  rocksdb::WriteBatch& Finish();

 private:
  // Calls `fn` with the raw keys and values of [first, behind) as this batch leaves them, until `fn` fails.
  Status Walk(std::string_view first, std::string_view behind,
              const std::function<Status(std::string_view key, std::string_view value)>& fn);
  Status DeferredBeginningIn(SlotId first, SlotId behind, std::vector<DeferredFree>* found);
  rocksdb::WriteBatchBase& changes() const;
  // The changes in a form that can be read. Later changes go there too.
  rocksdb::WriteBatchWithIndex& Readable();

  rocksdb::DB& db_;
  const std::string& dir_;
  const std::unique_ptr<rocksdb::WriteBatch> collected_;    // the changes until the first read
  std::unique_ptr<rocksdb::WriteBatchWithIndex> readable_;  // all changes, from then on
  const std::unique_ptr<rocksdb::WriteBatch> ordered_;      // what Finish returns
  std::optional<std::string> meta_;  // Finish puts it, so that only the last one is written
};

}  // namespace rawkv
