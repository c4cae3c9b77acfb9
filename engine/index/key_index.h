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
#include "engine/index/index_batch.h"
#include "engine/index/index_cursor.h"
#include "engine/index/index_entry.h"
#include "engine/index/meta_record.h"
#include "engine/index/read_point.h"
#include "engine/rocksdb/stall_watch.h"

namespace rocksdb {
class DB;
class FileSystem;
class PinnableSlice;
class Status;
struct ReadOptions;
}  // namespace rocksdb

namespace rawkv {

class CompactionGate;
class FlushTracker;

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
  // kIoError in a process that was forked from one that had opened an index: RocksDB's thread pools count as
  // started in it, and have no threads. Open checks it, too.
  static Status CheckProcess();
  // kNotFound: the directory holds no index. kFailedPrecondition: `create`, and it holds one.
  static Result<std::unique_ptr<KeyIndex>> Open(const KeyIndexOptions& options);
  ~KeyIndex();
  KeyIndex(const KeyIndex&) = delete;
  KeyIndex& operator=(const KeyIndex&) = delete;

  Result<std::optional<IndexEntry>> Get(std::string_view key, const ReadPoint* at = nullptr);
  // Get from memory alone. Absent: the look-up would read a file.
  std::optional<Result<std::optional<IndexEntry>>> GetFromMemory(std::string_view key);
  std::vector<Result<std::optional<IndexEntry>>> MultiGet(std::span<const std::string_view> keys,
                                                          const ReadPoint* at = nullptr);
  // The encoded entries of the keys, absent where there is none. The first error ends it.
  Result<std::vector<std::optional<std::string>>> MultiGetEncoded(std::span<const std::string_view> keys,
                                                                  const ReadPoint* at = nullptr);
  std::shared_ptr<const ReadPoint> TakeReadPoint();
  // A cursor over the user keys of [lower, upper); "": open. The cursor keeps `at` alive; null: the present
  // state.
  std::unique_ptr<IndexCursor> NewCursor(std::string_view lower, std::string_view upper,
                                         std::shared_ptr<const ReadPoint> at);
  // kNotFound: the index is new and has no meta record yet.
  Result<MetaRecord> Meta(const ReadPoint* at = nullptr);
  Result<AllocationPage> Page(uint64_t page);  // an absent page is all free
  Status ForEachPage(const std::function<Status(uint64_t, const AllocationPage&)>& fn,
                     const ReadPoint* at = nullptr);
  // Calls `fn` with the deferred frees whose `freed` is at or below `freed_through`, in the order of (freed,
  // slot), until `fn` returns false. Begins after the entry `after` if given, so that a long walk can be
  // split.
  Status ForEachDeferred(Version freed_through, const std::optional<DeferredFree>& after,
                         const std::function<bool(const DeferredFree&)>& fn, const ReadPoint* at = nullptr);

  // The undo record of a version (engine/undo); absent: there is none.
  Result<std::optional<std::string>> Undo(Version version);
  // Calls `fn` with the versions that have an undo record, ascending, until it returns false. Ends early
  // where many deleted records would have to be passed over.
  Status ForEachUndo(const std::function<bool(Version)>& fn);

  std::unique_ptr<IndexBatch> NewBatch();
  // Ok, or kIoError after a background error has ended all writing. The caller asks before it does anything
  // that Apply must follow.
  Status CheckWritable() const;
  // Applies the batch in memory, all of it or nothing. The next flush makes it durable. Never returns
  // kNoSpace.
  Status Apply(IndexBatch& batch);

  uint64_t MemtableBytes() const;  // approximate size of the memtables
  uint64_t MemoryBytes() const;    // approximate size of the memtables and of the cached blocks
  // Freezes the memtable, begins to write it to tables, and returns at once. Before it, the caller makes log
  // and device durable through the applied version, and applies nothing after that.
  Status StartFlush();
  // Waits until every flush that was begun is durable. Returns the first background error.
  Status WaitFlush();
  // Allows RocksDB to compact from now on. Before it RocksDB does not compact.
  void AllowCompaction();

  // Hard-links the tables of the last finished flush into the empty directory `to`, and copies and syncs the
  // other files. Does not sync the directory. Leaves out what is only in the memtable. A read-only index
  // links what was flushed when it was opened; an error if another process has removed a table since.
  Result<std::vector<LinkedFile>> LinkInto(Fs& fs, const std::string& to);
  // Reads and verifies every block of every table. kCorruption.
  Status VerifyChecksums();

 private:
  explicit KeyIndex(const KeyIndexOptions& options);
  Status OpenDatabase(const KeyIndexOptions& options);

  // All point look-ups in RocksDB. They are never inlined, so that a function of this class is on the stack
  // of each report of ThreadSanitizer about them (tests/support/tsan.supp).
  [[gnu::noinline]] rocksdb::Status Fetch(const rocksdb::ReadOptions& options, std::string_view index_key,
                                          rocksdb::PinnableSlice* value);
  struct Fetched;
  [[gnu::noinline]] Fetched FetchMany(std::span<const std::string_view> user_keys, const ReadPoint* at);
  // Reads a raw key. False: there is no such key.
  Result<bool> Read(std::string_view index_key, const ReadPoint* at, rocksdb::PinnableSlice* value);
  // Calls `fn` with the raw keys and values of [first, behind) in order, until it returns kStop or fails.
  enum class Walk : uint8_t { kContinue, kStop };
  Status ForEachEntry(std::string_view first, std::string_view behind, const ReadPoint* at,
                      const std::function<Result<Walk>(std::string_view key, std::string_view value)>& fn);
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

// Makes the directory `to`, hard-links the tables of a closed index into it and copies the rest. Syncs all of
// it, but not the parent of `to`. Does not change `from`. kCorruption: `from` holds no index. (kNotFound
// would read as "no such key" in the layers above.)
Status CloneIndex(Fs& fs, const std::string& from, const std::string& to);
// The CRC-32C of a file, in the form of LinkedFile::crc32c.
Result<std::string> Crc32cOfFile(Fs& fs, const std::string& path);

}  // namespace rawkv
