#include "tools/bench/rocksdb_peer.h"

#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/version.h>

#include "base/fs_ops.h"
#include "tools/bench/files.h"
#include "tools/bench/values.h"

namespace rawkv::bench {
namespace {

constexpr uint64_t kMinBlobBytes = 1025;  // rawkv keeps values of up to 1024 bytes in its index
constexpr uint64_t kLongScan = 1000;      // entries; a longer scan reads ahead as rawkv does by default
constexpr uint64_t kReadAheadBytes = 2ull << 20;

rocksdb::Slice SliceOf(std::string_view text) {
  return {text.data(), text.size()};
}

rocksdb::Slice SliceOf(ConstBytes bytes) {
  return SliceOf(AsStringView(bytes));
}

ConstBytes BytesOf(const rocksdb::Slice& slice) {
  return AsBytes({slice.data(), slice.size()});
}

Status FromRocksdb(const rocksdb::Status& status) {
  if (status.ok()) return Status::Ok();
  if (status.IsNotFound()) return Status::NotFound("RocksDB: no such key");
  if (status.IsNoSpace()) return Status::NoSpace("RocksDB: " + status.ToString());
  return Status::IoError("RocksDB: " + status.ToString());
}

class RocksdbReader final : public Reader {
 public:
  explicit RocksdbReader(rocksdb::DB& db) : db_(db) {}
  Result<ConstBytes> Get(std::string_view key) override {
    value_.Reset();
    RAWKV_RETURN_IF_ERROR(FromRocksdb(db_.Get({}, db_.DefaultColumnFamily(), SliceOf(key), &value_)));
    return BytesOf(value_);
  }

 private:
  rocksdb::DB& db_;
  rocksdb::PinnableSlice value_;
};

class RocksdbPeer final : public Peer {
 public:
  RocksdbPeer(PeerOptions options, bool blobs) : options_(std::move(options)), blobs_(blobs) {}

  Status Open(Access) override {
    rocksdb::Options open;
    open.create_if_missing = true;
    open.compression = rocksdb::kNoCompression;
    rocksdb::BlockBasedTableOptions table;
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    table.block_cache = rocksdb::NewLRUCache(options_.cache_bytes);
    open.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    if (blobs_) {
      open.enable_blob_files = true;
      open.min_blob_size = kMinBlobBytes;
      open.enable_blob_garbage_collection = true;
      open.blob_cache = table.block_cache;
    }
    rocksdb::DB* db = nullptr;
    RAWKV_RETURN_IF_ERROR(FromRocksdb(rocksdb::DB::Open(open, options_.dir, &db)));
    db_.reset(db);
    return Status::Ok();
  }

  Status Close() override {
    if (db_ == nullptr) return Status::Ok();
    RAWKV_RETURN_IF_ERROR(Resume());
    const Status status = FromRocksdb(db_->Close());
    db_.reset();
    return status;
  }

  Status Commit(std::span<const Entry> entries, CommitMode mode) override {
    rocksdb::WriteBatch batch;
    for (const Entry& entry : entries) {
      RAWKV_RETURN_IF_ERROR(FromRocksdb(batch.Put(SliceOf(entry.key), SliceOf(entry.value))));
    }
    rocksdb::WriteOptions write;
    write.sync = mode == CommitMode::kDurable;
    return FromRocksdb(db_->Write(write, &batch));
  }

  Status Sync() override { return FromRocksdb(db_->SyncWAL()); }

  Result<std::unique_ptr<Reader>> NewReader() override {
    return std::unique_ptr<Reader>(std::make_unique<RocksdbReader>(*db_));
  }

  Status MultiGet(std::span<const std::string_view> keys, const OnEntry& fn) override {
    std::vector<rocksdb::Slice> slices;
    for (const std::string_view key : keys) slices.push_back(SliceOf(key));
    std::vector<rocksdb::PinnableSlice> values(keys.size());
    std::vector<rocksdb::Status> statuses(keys.size());
    db_->MultiGet({}, db_->DefaultColumnFamily(), keys.size(), slices.data(), values.data(), statuses.data());
    for (size_t i = 0; i < keys.size(); ++i) {
      RAWKV_RETURN_IF_ERROR(FromRocksdb(statuses[i]));
      RAWKV_RETURN_IF_ERROR(fn(keys[i], BytesOf(values[i])));
    }
    return Status::Ok();
  }

  Status Scan(std::string_view first, uint64_t count, const OnEntry& fn) override {
    rocksdb::ReadOptions read;
    if (count >= kLongScan) read.readahead_size = kReadAheadBytes;
    const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(read));
    uint64_t done = 0;
    for (it->Seek(SliceOf(first)); it->Valid() && done < count; it->Next(), ++done) {
      RAWKV_RETURN_IF_ERROR(fn({it->key().data(), it->key().size()}, BytesOf(it->value())));
    }
    return FromRocksdb(it->status());
  }

  Status Settle() override {
    RAWKV_RETURN_IF_ERROR(FromRocksdb(db_->Flush({})));
    return FromRocksdb(db_->CompactRange({}, nullptr, nullptr));
  }

  // Returns once what runs in the background has ended.
  Status Rest() override {
    if (resting_) return Status::Ok();
    resting_ = true;
    return FromRocksdb(db_->PauseBackgroundWork());
  }
  Status Resume() override {
    if (!resting_) return Status::Ok();
    resting_ = false;
    return FromRocksdb(db_->ContinueBackgroundWork());
  }

  // Keeps the newest two.
  Status Snapshot() override {
    rocksdb::Checkpoint* made = nullptr;
    RAWKV_RETURN_IF_ERROR(FromRocksdb(rocksdb::Checkpoint::Create(db_.get(), &made)));
    const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
    const auto path = [this](uint64_t number) {
      return options_.dir + "-checkpoint-" + std::to_string(number);
    };
    RAWKV_RETURN_IF_ERROR(FromRocksdb(checkpoint->CreateCheckpoint(path(snapshots_))));
    if (snapshots_ >= 2) RAWKV_RETURN_IF_ERROR(RemoveTree(PosixFs(), path(snapshots_ - 2)));
    ++snapshots_;
    return Status::Ok();
  }

  Result<uint64_t> SpaceBytes() override { return AllocatedBytes(options_.dir, ""); }

 private:
  const PeerOptions options_;
  const bool blobs_;
  bool resting_ = false;
  uint64_t snapshots_ = 0;
  std::unique_ptr<rocksdb::DB> db_;
};

}  // namespace

std::unique_ptr<Peer> MakeRocksdbPeer(const PeerOptions& options) {
  return std::make_unique<RocksdbPeer>(options, false);
}

std::unique_ptr<Peer> MakeBlobdbPeer(const PeerOptions& options) {
  return std::make_unique<RocksdbPeer>(options, true);
}

std::string RocksdbVersion() {
  return rocksdb::GetRocksVersionAsString();
}

}  // namespace rawkv::bench
