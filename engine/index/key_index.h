#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/fs.h"
#include "base/logger.h"
#include "base/result.h"
#include "engine/index/allocation_page.h"
#include "engine/index/index_entry.h"
#include "engine/index/meta_record.h"

namespace rocksdb {
class FileSystem;
}

namespace rawkv {

// A state of the index held still for reading (RocksDB's "snapshot"). Must not outlive the index.
class ReadPoint {
 public:
  virtual ~ReadPoint() = default;
};

// Walks user keys of one read point in byte order. Not thread-safe.
class IndexCursor {
 public:
  virtual ~IndexCursor() = default;
  virtual bool Valid() const = 0;
  virtual void SeekToFirst() = 0;
  virtual void SeekToLast() = 0;
  virtual void Seek(std::string_view key) = 0;
  virtual void Next() = 0;
  virtual void Prev() = 0;
  virtual std::string_view key() const = 0;      // user key
  virtual Result<IndexEntry> entry() const = 0;  // decoded; kCorruption
  virtual Status status() const = 0;
};

class KeyIndex;

// Changes to be applied in one step; reads through it see them over the index as it is. Not
// thread-safe; for whoever holds the right to write the index.
class IndexBatch {
 public:
  virtual ~IndexBatch() = default;
  virtual Result<std::optional<IndexEntry>> GetEntry(std::string_view key) = 0;
  virtual void PutEntry(std::string_view key, const IndexEntry& entry) = 0;
  virtual void DeleteEntry(std::string_view key) = 0;
  // The user keys of [begin, end) as this batch leaves them; end "" = to the last. `fn` must not
  // change the batch.
  virtual Status ForEachKey(std::string_view begin, std::string_view end,
                            const std::function<Status(std::string_view, const IndexEntry&)>& fn) = 0;
  virtual void PutPage(uint64_t page, const AllocationPage& content) = 0;
  // Kept, and found again, in pieces: none crosses a multiple of 256 slots (deferred_record.h). A whole
  // may be deleted at once or piece by piece.
  virtual void PutDeferred(const DeferredFree& entry) = 0;
  virtual void DeleteDeferred(const DeferredFree& entry) = 0;
  // Deferred entries that overlap the extent, by slot, as this batch leaves them.
  virtual Result<std::vector<DeferredFree>> DeferredOverlapping(const Extent& extent) = 0;
  virtual void PutMeta(const MetaRecord& meta) = 0;
  virtual uint64_t bytes() const = 0;  // so far, about
};

struct KeyIndexOptions {
  std::string dir;
  bool read_only = false;  // opens a published or foreign directory; writes nothing into it
  bool create = false;     // the directory holds no index yet
  // The directory is only read; all that the index writes stays in memory and goes with it. It holds its
  // tables open, so that they may be removed meanwhile, and it cannot be flushed or linked (kNoSpace).
  bool in_memory = false;
  uint64_t block_cache_bytes = 256ull << 20;
  uint64_t memtable_bytes = 64ull << 20;  // about when the caller flushes; memory is taken in fractions of it
  std::shared_ptr<rocksdb::FileSystem> fs;  // null: default
  Logger* logger = nullptr;
};

struct LinkedFile {
  std::string name;  // within the index directory
  uint64_t size_bytes = 0;
  bool is_sst = false;
  std::string crc32c;  // SSTs: as RocksDB made it (4 bytes, big endian)
};

// The embedded RocksDB: one column family; user keys, allocation pages, deferred frees (by slot and by
// the version that freed them) and the meta record as key spaces of one prefix byte. Its own log is
// off and it never flushes by itself (invariant 8). Reads are thread-safe; NewBatch/Apply/
// StartFlush are for one writer at a time.
class KeyIndex {
 public:
  // kNotFound: no index there; kCorruption: RocksDB says so.
  static Result<std::unique_ptr<KeyIndex>> Open(const KeyIndexOptions& options);
  virtual ~KeyIndex() = default;

  virtual Result<std::optional<IndexEntry>> Get(std::string_view key, const ReadPoint* at = nullptr) = 0;
  virtual std::vector<Result<std::optional<IndexEntry>>> MultiGet(std::span<const std::string_view> keys,
                                                                  const ReadPoint* at = nullptr) = 0;
  virtual std::shared_ptr<const ReadPoint> TakeReadPoint() = 0;
  // Bounds on user keys: [lower, upper); "" = open. `at` is kept alive by the cursor; null = now.
  virtual std::unique_ptr<IndexCursor> NewCursor(std::string_view lower, std::string_view upper,
                                                 std::shared_ptr<const ReadPoint> at) = 0;
  // kNotFound in an index that was just created.
  virtual Result<MetaRecord> Meta(const ReadPoint* at = nullptr) = 0;
  virtual Result<AllocationPage> Page(uint64_t page) = 0;  // absent = all free
  virtual Status ForEachPage(const std::function<Status(uint64_t, const AllocationPage&)>& fn,
                             const ReadPoint* at = nullptr) = 0;
  // Deferred entries freed at or below `freed_through`, in order of (freed, slot), as of now or `at`;
  // starts behind `after` if given, so that a long walk can be cut in pieces. `fn` returns false to end.
  virtual Status ForEachDeferred(Version freed_through, const std::optional<DeferredFree>& after,
                                 const std::function<bool(const DeferredFree&)>& fn,
                                 const ReadPoint* at = nullptr) = 0;

  virtual std::unique_ptr<IndexBatch> NewBatch() = 0;
  // Ok, or kIoError once a background error has ended all writing: what is asked before anything else is
  // done that Apply is to follow.
  virtual Status CheckWritable() const = 0;
  // Atomic in memory; durable with the next flush. An error is never kNoSpace.
  virtual Status Apply(IndexBatch& batch) = 0;

  virtual uint64_t MemtableBytes() const = 0;  // not yet flushed, about
  // Freezes what is in memory and begins writing it out; returns at once. The caller has made log and
  // device durable through what was applied, and applies nothing between that and this call.
  virtual Status StartFlush() = 0;
  // Waits until every flush begun is durable; the first background error otherwise.
  virtual Status WaitFlush() = 0;
  // RocksDB may compact from now on. Until then it does not, however much is due.
  virtual void AllowCompaction() = 0;

  // Hard-links the flushed state (as of the last finished flush) into the existing, empty `to`; other
  // files are copied and synced. Directory not synced. What is only in memory is not in it.
  virtual Result<std::vector<LinkedFile>> LinkInto(Fs& fs, const std::string& to) = 0;
  // Reads every SST and verifies every block of it. kCorruption.
  virtual Status VerifyChecksums() = 0;
  // Approximate bytes of SST files.
  virtual uint64_t DiskBytes() const = 0;
};

// Hard-links the SSTs of a closed index directory into `to` (made; must not exist), copies the rest;
// all synced, the parent not. Source unchanged. kCorruption if it holds no index: what is cloned was
// published, and kNotFound would read as "no such key" far above.
Status CloneIndex(Fs& fs, const std::string& from, const std::string& to);
// CRC-32C of a file as in LinkedFile::crc32c.
Result<std::string> Crc32cOfFile(Fs& fs, const std::string& path);

}  // namespace rawkv
