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

// A state of the index that is held still for reading (RocksDB calls it a snapshot). Must not outlive the
// index.
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

// Changes that KeyIndex::Apply applies in one step. Reads through the batch see its changes on top of the
// present index. Not thread-safe; for the holder of the write right.
class IndexBatch {
 public:
  virtual ~IndexBatch() = default;
  virtual Result<std::optional<IndexEntry>> GetEntry(std::string_view key) = 0;
  virtual void PutEntry(std::string_view key, const IndexEntry& entry) = 0;
  virtual void DeleteEntry(std::string_view key) = 0;
  // Calls `fn` with the user keys of [begin, end) as this batch leaves them; end "": to the last key. `fn`
  // must not change the batch.
  virtual Status ForEachKey(std::string_view begin, std::string_view end,
                            const std::function<Status(std::string_view, const IndexEntry&)>& fn) = 0;
  virtual void PutPage(uint64_t page, const AllocationPage& content) = 0;
  // The index stores and returns a deferred free in pieces, none of which crosses a multiple of 256 slots
  // (deferred_record.h). The caller may delete it as a whole or piece by piece.
  virtual void PutDeferred(const DeferredFree& entry) = 0;
  virtual void DeleteDeferred(const DeferredFree& entry) = 0;
  // The deferred frees that overlap the extent, in the order of slots, as this batch leaves them.
  virtual Result<std::vector<DeferredFree>> DeferredOverlapping(const Extent& extent) = 0;
  virtual void PutMeta(const MetaRecord& meta) = 0;
  virtual uint64_t bytes() const = 0;  // approximate size
  virtual void Clear() = 0;            // drops all changes and keeps the memory for the next ones
};

struct KeyIndexOptions {
  std::string dir;
  bool read_only = false;  // writes nothing to the directory
  bool create = false;     // makes a new index; the directory must not hold one
  // Only reads the directory, and keeps everything that the index writes in memory until it is closed. Keeps
  // all tables open, so that their files may be removed meanwhile. The index cannot be flushed or linked
  // (kNoSpace).
  bool in_memory = false;
  uint64_t block_cache_bytes = 256ull << 20;
  uint64_t memtable_bytes =
      64ull << 20;  // size at which the caller flushes; the index allocates in fractions of it
  std::shared_ptr<rocksdb::FileSystem> fs;  // null: MakePrivateFileSystem
  Logger* logger = nullptr;
};

struct LinkedFile {
  std::string name;  // within the index directory
  uint64_t size_bytes = 0;
  bool is_sst = false;
  std::string crc32c;  // of a table, as RocksDB made it (4 bytes, big-endian)
};

// The embedded RocksDB with one column family. Key spaces with a prefix of one byte hold the user keys, the
// allocation pages, the deferred frees (by slot, and by the version that freed them) and the meta record.
// RocksDB's own log is off, and it never flushes by itself (invariant 8). Reads are thread-safe; NewBatch,
// Apply and StartFlush are for one writer at a time. Errors of all functions: kCorruption (RocksDB finds
// damage), kIoError, kNoSpace.
class KeyIndex {
 public:
  // kNotFound: the directory holds no index. kFailedPrecondition: `create`, and it holds one.
  static Result<std::unique_ptr<KeyIndex>> Open(const KeyIndexOptions& options);
  virtual ~KeyIndex() = default;

  virtual Result<std::optional<IndexEntry>> Get(std::string_view key, const ReadPoint* at = nullptr) = 0;
  virtual std::vector<Result<std::optional<IndexEntry>>> MultiGet(std::span<const std::string_view> keys,
                                                                  const ReadPoint* at = nullptr) = 0;
  virtual std::shared_ptr<const ReadPoint> TakeReadPoint() = 0;
  // A cursor over the user keys of [lower, upper); "": open. The cursor keeps `at` alive; null: the present
  // state.
  virtual std::unique_ptr<IndexCursor> NewCursor(std::string_view lower, std::string_view upper,
                                                 std::shared_ptr<const ReadPoint> at) = 0;
  // kNotFound: the index is new and has no meta record yet.
  virtual Result<MetaRecord> Meta(const ReadPoint* at = nullptr) = 0;
  virtual Result<AllocationPage> Page(uint64_t page) = 0;  // an absent page is all free
  virtual Status ForEachPage(const std::function<Status(uint64_t, const AllocationPage&)>& fn,
                             const ReadPoint* at = nullptr) = 0;
  // Calls `fn` with the deferred frees whose `freed` is at or below `freed_through`, in the order of (freed,
  // slot), until `fn` returns false. Begins after the entry `after` if given, so that a long walk can be
  // split.
  virtual Status ForEachDeferred(Version freed_through, const std::optional<DeferredFree>& after,
                                 const std::function<bool(const DeferredFree&)>& fn,
                                 const ReadPoint* at = nullptr) = 0;

  virtual std::unique_ptr<IndexBatch> NewBatch() = 0;
  // Ok, or kIoError after a background error has ended all writing. The caller asks before it does anything
  // that Apply must follow.
  virtual Status CheckWritable() const = 0;
  // Applies the batch in memory, all of it or nothing. The next flush makes it durable. Never returns
  // kNoSpace.
  virtual Status Apply(IndexBatch& batch) = 0;

  virtual uint64_t MemtableBytes() const = 0;  // approximate size of the memtables
  // Freezes the memtable, begins to write it to tables, and returns at once. Before it, the caller makes log
  // and device durable through the applied version, and applies nothing after that.
  virtual Status StartFlush() = 0;
  // Waits until every flush that was begun is durable. Returns the first background error.
  virtual Status WaitFlush() = 0;
  // Allows RocksDB to compact from now on. Before it RocksDB does not compact.
  virtual void AllowCompaction() = 0;

  // Hard-links the tables of the last finished flush into the empty directory `to`, and copies and syncs the
  // other files. Does not sync the directory. Leaves out what is only in the memtable.
  virtual Result<std::vector<LinkedFile>> LinkInto(Fs& fs, const std::string& to) = 0;
  // Reads and verifies every block of every table. kCorruption.
  virtual Status VerifyChecksums() = 0;
  // Approximate size of the tables.
  virtual uint64_t DiskBytes() const = 0;
};

// Makes the directory `to`, hard-links the tables of a closed index into it and copies the rest. Syncs all of
// it, but not the parent of `to`. Does not change `from`. kCorruption: `from` holds no index. (kNotFound
// would read as "no such key" in the layers above.)
Status CloneIndex(Fs& fs, const std::string& from, const std::string& to);
// The CRC-32C of a file, in the form of LinkedFile::crc32c.
Result<std::string> Crc32cOfFile(Fs& fs, const std::string& path);

}  // namespace rawkv
