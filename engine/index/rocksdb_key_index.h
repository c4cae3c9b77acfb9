#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/index/flush_tracker.h"
#include "engine/index/key_index.h"
#include "engine/rocksdb/compaction_gate.h"
#include "engine/rocksdb/stall_watch.h"

namespace rocksdb {
class DB;
class PinnableSlice;
struct ReadOptions;
}  // namespace rocksdb

namespace rawkv {

// A KeyIndex in one RocksDB database.
class RocksdbKeyIndex final : public KeyIndex {
 public:
  // KeyIndex::Open.
  static Result<std::unique_ptr<KeyIndex>> Open(const KeyIndexOptions& options);
  ~RocksdbKeyIndex() override;

  Result<std::optional<IndexEntry>> Get(std::string_view key, const ReadPoint* at) override;
  std::vector<Result<std::optional<IndexEntry>>> MultiGet(std::span<const std::string_view> keys,
                                                          const ReadPoint* at) override;
  std::shared_ptr<const ReadPoint> TakeReadPoint() override;
  std::unique_ptr<IndexCursor> NewCursor(std::string_view lower, std::string_view upper,
                                         std::shared_ptr<const ReadPoint> at) override;
  Result<MetaRecord> Meta(const ReadPoint* at) override;
  Result<AllocationPage> Page(uint64_t page) override;
  Status ForEachPage(const std::function<Status(uint64_t, const AllocationPage&)>& fn,
                     const ReadPoint* at) override;
  Status ForEachDeferred(Version freed_through, const std::optional<DeferredFree>& after,
                         const std::function<bool(const DeferredFree&)>& fn, const ReadPoint* at) override;
  std::unique_ptr<IndexBatch> NewBatch() override;
  Status CheckWritable() const override;
  Status Apply(IndexBatch& batch) override;
  uint64_t MemtableBytes() const override;
  Status StartFlush() override;
  Status WaitFlush() override;
  void AllowCompaction() override;
  Result<std::vector<LinkedFile>> LinkInto(Fs& fs, const std::string& to) override;
  Status VerifyChecksums() override;
  uint64_t DiskBytes() const override;

 private:
  explicit RocksdbKeyIndex(const KeyIndexOptions& options);
  Status OpenDatabase(const KeyIndexOptions& options);

  // Reads a raw key. False: there is no such key.
  Result<bool> Read(std::string_view index_key, const ReadPoint* at, rocksdb::PinnableSlice* value);
  // Calls `fn` with the raw keys and values of [first, behind) in order, until it returns kStop or fails.
  enum class Walk : uint8_t { kContinue, kStop };
  Status ForEachEntry(std::string_view first, std::string_view behind, const ReadPoint* at,
                      const std::function<Result<Walk>(std::string_view key, std::string_view value)>& fn);
  uint64_t Property(const std::string& name) const;
  Status RefuseIfReadOnly(std::string_view what) const;
  Status RefuseIfInMemory(std::string_view what) const;

  // Constant after Open.
  const std::string dir_;
  const bool read_only_;
  const bool in_memory_;
  Logger* const logger_;
  StallWatch watch_;
  std::unique_ptr<CompactionGate> gate_;
  std::shared_ptr<FlushTracker> flushes_;  // shared with RocksDB's listener
  std::unique_ptr<rocksdb::DB> db_;        // the last member, so that it is destroyed first
};

}  // namespace rawkv
