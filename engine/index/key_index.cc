#include "engine/index/key_index.h"

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/options.h>
#include <rocksdb/perf_level.h>
#include <rocksdb/write_batch.h>

#include <limits>
#include <utility>

#include "base/check.h"
#include "base/exception_status.h"
#include "base/fork_guard.h"
#include "base/fs_ops.h"
#include "base/thread.h"
#include "engine/index/deferred_record.h"
#include "engine/index/index_files.h"
#include "engine/index/key_space.h"
#include "engine/index/rocksdb_lookup.h"
#include "engine/index/rocksdb_options.h"
#include "engine/rocksdb/compaction_gate.h"
#include "engine/rocksdb/flush_listener.h"
#include "engine/rocksdb/flush_tracker.h"
#include "engine/rocksdb/guarded_file_system.h"
#include "engine/rocksdb/memory_overlay.h"
#include "engine/rocksdb/private_file_system.h"
#include "engine/rocksdb/rocksdb_status.h"

namespace rawkv {
namespace {

rocksdb::ReadOptions ReadOptionsAt(const ReadPoint* at) {
  rocksdb::ReadOptions options;
  options.snapshot = ReadPoint::SnapshotOf(at);
  return options;
}

// Checks by the file CURRENT whether the directory holds an index. RocksDB returns InvalidArgument both for a
// missing and for an unwanted index. Asks for the size, as FileExists returns NotFound for a directory that
// may not be searched.
Status CheckCurrent(rocksdb::FileSystem& fs, const KeyIndexOptions& options) {
  uint64_t size = 0;
  const rocksdb::IOStatus status = fs.GetFileSize(JoinPath(options.dir, "CURRENT"), {}, &size, nullptr);
  const bool absent = status.IsNotFound() || status.IsPathNotFound();
  if (status.ok() && options.create)
    return Status::FailedPrecondition(options.dir + ": holds an index already");
  if (status.ok() || (absent && options.create)) return {};
  if (absent) return Status::NotFound(options.dir + ": no index there");
  return FromRocksdb(status, "opening index " + options.dir);
}

// Starts the one thread that a pool of RocksDB needs.
Status StartPool(rocksdb::Env& env, rocksdb::Env::Priority pool) {
  const Status started = NoThrow([&]() -> Status {
    env.IncBackgroundThreadsIfNeeded(1, pool);
    return {};
  });
  // A pool that got no thread counts as started all the same, and would not try again.
  if (!started.ok()) env.SetBackgroundThreads(0, pool);
  return started;
}

// Starts the threads that RocksDB's pools need, and checks that one more can be started for the timer of a
// database that is open for writing. Otherwise an open that lacks a thread would leave a database that nobody
// can close, and a background thread that lacks one for the next job would end the process.
Status StartDatabaseThreads(rocksdb::Env& env, bool read_only) {
  RAWKV_RETURN_IF_ERROR(StartPool(env, rocksdb::Env::Priority::HIGH));  // flushes
  RAWKV_RETURN_IF_ERROR(StartPool(env, rocksdb::Env::Priority::LOW));   // compactions
  if (read_only) return {};
  Thread timer;
  return timer.Start([] {});
}

// Keeps RocksDB from counting each comparison of keys for its PerfContext, which nobody reads here. The count
// is a variable of the thread in a shared library, and took a fifth of an insertion
// (docs/measured/commit.md). The level is of the thread, too, and the caller may use RocksDB on its own, so
// it gets its level back.
class WithoutPerfCounts {
 public:
  WithoutPerfCounts() { rocksdb::SetPerfLevel(rocksdb::PerfLevel::kDisable); }
  ~WithoutPerfCounts() { rocksdb::SetPerfLevel(before_); }
  WithoutPerfCounts(const WithoutPerfCounts&) = delete;
  WithoutPerfCounts& operator=(const WithoutPerfCounts&) = delete;

 private:
  const rocksdb::PerfLevel before_ = rocksdb::GetPerfLevel();
};

std::shared_ptr<rocksdb::FileSystem> FileSystemFor(const KeyIndexOptions& options) {
  std::shared_ptr<rocksdb::FileSystem> files = options.fs != nullptr ? options.fs : MakePrivateFileSystem();
  return options.in_memory ? MakeMemoryOverlay(files) : files;
}

}  // namespace

Status KeyIndex::CheckProcess() {
  static const ForkGuard pools_started_in;
  if (!pools_started_in.forked()) return {};
  return Status::IoError(
      "process " + std::to_string(pools_started_in.owner()) +
      " had opened a store before this process was forked from it, and its threads are missing here; open "
      "the store in a program started with exec");
}

Result<std::unique_ptr<KeyIndex>> KeyIndex::Open(const KeyIndexOptions& options) {
  if (options.create && options.read_only) {
    return Status::InvalidArgument(options.dir + ": an index is not created read-only");
  }
  RAWKV_RETURN_IF_ERROR(CheckProcess().WithContext("opening index " + options.dir));
  std::unique_ptr<KeyIndex> index(new KeyIndex(options));
  RAWKV_RETURN_IF_ERROR(index->OpenDatabase(options));
  return std::unique_ptr<KeyIndex>(std::move(index));
}

KeyIndex::KeyIndex(const KeyIndexOptions& options)
    : dir_(options.dir),
      read_only_(options.read_only),
      in_memory_(options.in_memory),
      logger_(options.logger),
      watch_(options.logger, "index " + options.dir),
      gate_(CompactionGate::Make(MakeGuardedFileSystem(FileSystemFor(options)))) {}

KeyIndex::~KeyIndex() {
  if (db_ == nullptr) return;
  // Drops the memtable: the log has its content.
  (void)NoThrow([this]() -> Status {
    const StallWatch::Call call(watch_, "closing");
    const rocksdb::Status status = db_->Close();
    if (!status.ok() && logger_ != nullptr) {
      logger_->Log(LogLevel::kWarning, FromRocksdb(status, "closing index " + dir_).message());
    }
    return {};
  });
}

Status KeyIndex::OpenDatabase(const KeyIndexOptions& options) {
  RAWKV_RETURN_IF_ERROR(CheckCurrent(*gate_->env().GetFileSystem(), options));
  rocksdb::Options rocksdb_options = MakeRocksdbOptions(options, &gate_->env());
  flushes_ = std::make_shared<FlushTracker>(0);
  rocksdb_options.listeners.push_back(MakeFlushListener(flushes_, logger_, dir_));
  const StallWatch::Call call(watch_, "opening");
  RAWKV_RETURN_IF_ERROR(StartDatabaseThreads(gate_->env(), read_only_).WithContext("opening index " + dir_));
  rocksdb::DB* db = nullptr;
  rocksdb::Status status;
  try {
    status = read_only_ ? rocksdb::DB::OpenForReadOnly(rocksdb_options, dir_, &db,
                                                       /*error_if_wal_file_exists=*/false)
                        : rocksdb::DB::Open(rocksdb_options, dir_, &db);
  } catch (...) {
    // RocksDB leaves the half-open database in memory, and that database uses the Env.
    ReleaseDatabaseLock(*gate_->env().GetFileSystem());
    (void)gate_.release();
    throw;
  }
  db_.reset(db);
  if (const rocksdb::Status listing = ListingFailure(*gate_->env().GetFileSystem());
      status.IsCorruption() && !listing.ok()) {
    return FromRocksdb(listing, "opening index " + dir_);
  }
  // CURRENT exists, so a missing file is damage.
  if (status.IsPathNotFound() || status.IsNotFound()) {
    return Status::Corruption("opening index " + dir_ + ": " + status.ToString());
  }
  RAWKV_RETURN_IF_ERROR(FromRocksdb(status, "opening index " + dir_));
  flushes_->Done(db_->GetLatestSequenceNumber());
  return {};
}

rocksdb::Status KeyIndex::Fetch(const rocksdb::ReadOptions& options, std::string_view index_key,
                                rocksdb::PinnableSlice* value) {
  return db_->Get(options, db_->DefaultColumnFamily(), index_key, value);
}

struct KeyIndex::Fetched {
  std::vector<rocksdb::PinnableSlice> values;
  std::vector<rocksdb::Status> statuses;
};

KeyIndex::Fetched KeyIndex::FetchMany(std::span<const std::string_view> user_keys, const ReadPoint* at) {
  std::vector<IndexKey> index_keys;
  index_keys.reserve(user_keys.size());
  std::vector<rocksdb::Slice> slices;
  slices.reserve(user_keys.size());
  for (const std::string_view key : user_keys) {
    slices.emplace_back(index_keys.emplace_back(KeySpace::kUserKey, key).view());
  }
  Fetched fetched{.values = std::vector<rocksdb::PinnableSlice>(slices.size()),
                  .statuses = std::vector<rocksdb::Status>(slices.size())};
  db_->MultiGet(ReadOptionsAt(at), db_->DefaultColumnFamily(), slices.size(), slices.data(),
                fetched.values.data(), fetched.statuses.data());
  return fetched;
}

Result<bool> KeyIndex::Read(std::string_view index_key, const ReadPoint* at, rocksdb::PinnableSlice* value) {
  const rocksdb::Status status = Fetch(ReadOptionsAt(at), index_key, value);
  if (status.ok()) return true;
  if (status.IsNotFound()) return false;
  return FromRocksdb(status, "reading index " + dir_);
}

Result<std::optional<IndexEntry>> KeyIndex::Get(std::string_view key, const ReadPoint* at) {
  rocksdb::PinnableSlice value;
  const rocksdb::Status status = Fetch(ReadOptionsAt(at), UserKey(key).view(), &value);
  return LookupResult(status, value.ToStringView(), dir_);
}

std::optional<Result<std::optional<IndexEntry>>> KeyIndex::GetFromMemory(std::string_view key) {
  rocksdb::ReadOptions options;
  options.read_tier = rocksdb::kBlockCacheTier;
  rocksdb::PinnableSlice value;
  const rocksdb::Status status = Fetch(options, UserKey(key).view(), &value);
  if (status.IsIncomplete()) return std::nullopt;
  return LookupResult(status, value.ToStringView(), dir_);
}

std::vector<Result<std::optional<IndexEntry>>> KeyIndex::MultiGet(std::span<const std::string_view> keys,
                                                                  const ReadPoint* at) {
  const Fetched fetched = FetchMany(keys, at);
  std::vector<Result<std::optional<IndexEntry>>> results;
  results.reserve(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    results.push_back(LookupResult(fetched.statuses[i], fetched.values[i].ToStringView(), dir_));
  }
  return results;
}

Result<std::vector<std::optional<std::string>>> KeyIndex::MultiGetEncoded(
    std::span<const std::string_view> keys, const ReadPoint* at) {
  const Fetched fetched = FetchMany(keys, at);
  std::vector<std::optional<std::string>> found(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    if (fetched.statuses[i].IsNotFound()) continue;
    RAWKV_RETURN_IF_ERROR(FromRocksdb(fetched.statuses[i], "reading index " + dir_));
    found[i].emplace(fetched.values[i].data(), fetched.values[i].size());
  }
  return found;
}

std::shared_ptr<const ReadPoint> KeyIndex::TakeReadPoint() {
  return std::make_shared<ReadPoint>(*db_);
}

std::unique_ptr<IndexCursor> KeyIndex::NewCursor(std::string_view lower, std::string_view upper,
                                                 std::shared_ptr<const ReadPoint> at) {
  return std::make_unique<IndexCursor>(*db_, dir_, lower, upper, std::move(at));
}

Result<MetaRecord> KeyIndex::Meta(const ReadPoint* at) {
  rocksdb::PinnableSlice value;
  RAWKV_ASSIGN_OR_RETURN(const bool found, Read(IndexKey(KeySpace::kMeta).view(), at, &value));
  if (!found) return Status::NotFound("index " + dir_ + ": no meta record yet");
  Result<MetaRecord> meta = DecodeMetaRecord(AsBytes(value.ToStringView()));
  return meta.ok() ? std::move(meta) : meta.status().WithContext("index " + dir_);
}

Result<AllocationPage> KeyIndex::Page(uint64_t page) {
  rocksdb::PinnableSlice value;
  RAWKV_ASSIGN_OR_RETURN(const bool found, Read(PageKey(page).view(), nullptr, &value));
  if (!found) return AllocationPage();
  Result<AllocationPage> content = DecodeAllocationPage(AsBytes(value.ToStringView()));
  if (content.ok()) return content;
  return content.status().WithContext("index " + dir_ + ", page " + std::to_string(page));
}

Status KeyIndex::ForEachEntry(std::string_view first, std::string_view behind, const ReadPoint* at,
                              const std::function<Result<Walk>(std::string_view, std::string_view)>& fn) {
  const rocksdb::Slice upper = behind;
  rocksdb::ReadOptions options = ReadOptionsAt(at);
  options.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options));
  for (it->Seek(first); it->Valid(); it->Next()) {
    RAWKV_ASSIGN_OR_RETURN(const Walk walk, fn(it->key().ToStringView(), it->value().ToStringView()));
    if (walk == Walk::kStop) return {};
  }
  return FromRocksdb(it->status(), "scanning index " + dir_);
}

Status KeyIndex::ForEachPage(const std::function<Status(uint64_t, const AllocationPage&)>& fn,
                             const ReadPoint* at) {
  return ForEachEntry(
      IndexKey(KeySpace::kAllocationPage).view(), EndOf(KeySpace::kAllocationPage).view(), at,
      [&](std::string_view key, std::string_view value) -> Result<Walk> {
        RAWKV_ASSIGN_OR_RETURN(const uint64_t page, ParsePageKey(key));
        const Result<AllocationPage> content = DecodeAllocationPage(AsBytes(value));
        if (!content.ok()) {
          return content.status().WithContext("index " + dir_ + ", page " + std::to_string(page));
        }
        RAWKV_RETURN_IF_ERROR(fn(page, *content));
        return Walk::kContinue;
      });
}

Status KeyIndex::ForEachDeferred(Version freed_through, const std::optional<DeferredFree>& after,
                                 const std::function<bool(const DeferredFree&)>& fn, const ReadPoint* at) {
  constexpr uint64_t kLast = std::numeric_limits<uint64_t>::max();
  const IndexKey first = after ? DeferredByVersionKey(after->freed, after->extent.first + SlotCount(1))
                               : IndexKey(KeySpace::kDeferredByVersion);
  const IndexKey behind = freed_through.value() == kLast
                              ? EndOf(KeySpace::kDeferredByVersion)
                              : DeferredByVersionKey(Next(freed_through), SlotId(0));
  return ForEachEntry(first.view(), behind.view(), at,
                      [&](std::string_view key, std::string_view value) -> Result<Walk> {
                        const Result<DeferredFree> entry = DecodeDeferredByVersion(key, value);
                        if (!entry.ok()) return entry.status().WithContext("index " + dir_);
                        return fn(*entry) ? Walk::kContinue : Walk::kStop;
                      });
}

Result<std::optional<std::string>> KeyIndex::Undo(Version version) {
  rocksdb::PinnableSlice value;
  RAWKV_ASSIGN_OR_RETURN(const bool found, Read(UndoKey(version).view(), nullptr, &value));
  Result<std::optional<std::string>> record = std::optional<std::string>();
  if (found) record->emplace(value.data(), value.size());
  return record;
}

Status KeyIndex::ForEachUndo(const std::function<bool(Version)>& fn) {
  constexpr uint64_t kDeletedRecords = 100'000;
  const IndexKey first(KeySpace::kUndo);
  const IndexKey behind = EndOf(KeySpace::kUndo);
  const rocksdb::Slice upper = behind.view();
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &upper;
  options.max_skippable_internal_keys = kDeletedRecords;
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options));
  for (it->Seek(first.view()); it->Valid(); it->Next()) {
    RAWKV_ASSIGN_OR_RETURN(const Version version, ParseUndoKey(it->key().ToStringView()));
    if (!fn(version)) break;
  }
  if (it->status().IsIncomplete()) return {};
  return FromRocksdb(it->status(), "scanning index " + dir_);
}

Status KeyIndex::RefuseIfReadOnly(std::string_view what) const {
  if (!read_only_) return {};
  return Status::FailedPrecondition(std::string(what) + " index " + dir_ + ": opened read-only");
}

Status KeyIndex::RefuseIfInMemory(std::string_view what) const {
  if (!in_memory_) return {};
  return Status::NoSpace(
      std::string(what) + " index " + dir_ +
      ": it was opened in memory, as there was no room for its files; make room and reopen");
}

std::unique_ptr<IndexBatch> KeyIndex::NewBatch() {
  return std::make_unique<IndexBatch>(*db_, dir_);
}

Status KeyIndex::Apply(IndexBatch& batch) {
  RAWKV_RETURN_IF_ERROR(RefuseIfReadOnly("writing to"));
  rocksdb::WriteOptions options;
  options.disableWAL = true;  // rawkv's log replaces RocksDB's own
  const StallWatch::Call call(watch_, "writing");
  const WithoutPerfCounts quiet;
  const Status written = FromRocksdb(db_->Write(options, &batch.Finish()), "writing to index " + dir_);
  // An error that lacks_resource() would mean that nothing has changed, but the log has the record already.
  return written.lacks_resource() ? Status::IoError(written.message()) : written;
}

Status KeyIndex::CheckWritable() const {
  RAWKV_RETURN_IF_ERROR(RefuseIfReadOnly("writing to"));
  return flushes_->failure();
}

uint64_t KeyIndex::MemtableBytes() const {
  uint64_t bytes = 0;
  return db_->GetIntProperty(rocksdb::DB::Properties::kCurSizeAllMemTables, &bytes) ? bytes : 0;
}

uint64_t KeyIndex::MemoryBytes() const {
  uint64_t cached = 0;
  (void)db_->GetIntProperty(rocksdb::DB::Properties::kBlockCacheUsage, &cached);
  return MemtableBytes() + cached;
}

Status KeyIndex::VerifyChecksums() {
  return FromRocksdb(db_->VerifyChecksum(rocksdb::ReadOptions()), "verifying index " + dir_);
}

Status KeyIndex::StartFlush() {
  RAWKV_RETURN_IF_ERROR(RefuseIfReadOnly("flushing"));
  RAWKV_RETURN_IF_ERROR(RefuseIfInMemory("flushing"));
  // There is one writer, so nothing is applied between this number and the switch of memtables in Flush.
  // Begin comes first, as the flush may be complete before Flush returns.
  const StallWatch::Call call(watch_, "beginning a flush");
  RAWKV_RETURN_IF_ERROR(flushes_->Begin(db_->GetLatestSequenceNumber()));
  rocksdb::FlushOptions options;
  options.wait = false;
  options.allow_write_stall = true;
  // After any error the tracker must fail, so that no caller waits for ever.
  const Status status = NoThrow([&] { return FromRocksdb(db_->Flush(options), "flushing index " + dir_); });
  if (!status.ok()) flushes_->Fail(status);
  return status;
}

Status KeyIndex::WaitFlush() {
  RAWKV_RETURN_IF_ERROR(RefuseIfReadOnly("flushing"));
  const StallWatch::Call call(watch_, "flushing");
  return flushes_->Wait();
}

void KeyIndex::AllowCompaction() {
  if (!in_memory_) gate_->Open();
}

Result<std::vector<LinkedFile>> KeyIndex::LinkInto(Fs& fs, const std::string& to) {
  RAWKV_RETURN_IF_ERROR(RefuseIfInMemory("linking"));
  const StallWatch::Call call(watch_, "linking its files");
  return LinkLiveFiles(*db_, fs, dir_, to, read_only_ ? Deletions::kBeyondReach : Deletions::kDisable);
}

}  // namespace rawkv
