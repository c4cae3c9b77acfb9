#include "tools/bench/lmdb_peer.h"

#ifdef RAWKV_BENCH_LMDB
#include <lmdb.h>

#include <algorithm>

#include "base/fs_ops.h"
#include "tools/bench/files.h"
#endif

namespace rawkv::bench {

#ifdef RAWKV_BENCH_LMDB
namespace {

// LMDB writes changed pages to free ones, so that the map must have room for several times the values.
constexpr uint64_t kMapFactor = 16;
constexpr uint64_t kMapMin = 8ull << 30;

// A read of a value of this size or more is faster with the kernel's read-ahead.
constexpr uint64_t kLargeValue = 64ull << 10;

MDB_val ValOf(std::string_view bytes) {
  return {bytes.size(), const_cast<char*>(bytes.data())};
}

std::string_view TextOf(const MDB_val& val) {
  return {static_cast<const char*>(val.mv_data), val.mv_size};
}

Status FromLmdb(int code) {
  if (code == MDB_SUCCESS) return Status::Ok();
  if (code == MDB_NOTFOUND) return Status::NotFound("LMDB: no such key");
  if (code == MDB_MAP_FULL) return Status::NoSpace("LMDB: the map is full");
  return Status::IoError(std::string("LMDB: ") + mdb_strerror(code));
}

// A read transaction. Between two reads it is reset, so that it does not keep old pages.
class ReadTxn {
 public:
  ~ReadTxn() {
    if (txn_ != nullptr) mdb_txn_abort(txn_);
  }
  Result<MDB_txn*> Begin(MDB_env* env) {
    if (txn_ == nullptr) {
      RAWKV_RETURN_IF_ERROR(FromLmdb(mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn_)));
    } else {
      mdb_txn_reset(txn_);
      RAWKV_RETURN_IF_ERROR(FromLmdb(mdb_txn_renew(txn_)));
    }
    return txn_;
  }

 private:
  MDB_txn* txn_ = nullptr;
};

class LmdbReader final : public Reader {
 public:
  LmdbReader(MDB_env* env, MDB_dbi dbi) : env_(env), dbi_(dbi) {}
  Result<ConstBytes> Get(std::string_view key) override {
    RAWKV_ASSIGN_OR_RETURN(MDB_txn* const txn, txn_.Begin(env_));
    MDB_val k = ValOf(key), value{};
    RAWKV_RETURN_IF_ERROR(FromLmdb(mdb_get(txn, dbi_, &k, &value)));
    return AsBytes(TextOf(value));
  }

 private:
  MDB_env* const env_;
  const MDB_dbi dbi_;
  ReadTxn txn_;
};

class LmdbPeer final : public Peer {
 public:
  explicit LmdbPeer(PeerOptions options) : options_(std::move(options)) {}
  ~LmdbPeer() override { (void)Close(); }

  Status Open(Access access) override {
    RAWKV_ASSIGN_OR_RETURN(const bool exists, Exists(PosixFs(), options_.dir));
    if (!exists) RAWKV_RETURN_IF_ERROR(PosixFs().MakeDir(options_.dir));
    RAWKV_RETURN_IF_ERROR(FromLmdb(mdb_env_create(&env_)));
    RAWKV_RETURN_IF_ERROR(
        FromLmdb(mdb_env_set_mapsize(env_, std::max(kMapMin, kMapFactor * options_.data_bytes))));
    const bool ahead = access == Access::kSequential || options_.value_bytes >= kLargeValue;
    const unsigned read_ahead = ahead ? 0u : MDB_NORDAHEAD;
    RAWKV_RETURN_IF_ERROR(FromLmdb(mdb_env_open(env_, options_.dir.c_str(), MDB_NOTLS | read_ahead, 0600)));
    MDB_txn* txn = nullptr;
    RAWKV_RETURN_IF_ERROR(FromLmdb(mdb_txn_begin(env_, nullptr, 0, &txn)));
    const int opened = mdb_dbi_open(txn, nullptr, 0, &dbi_);
    if (opened != MDB_SUCCESS) mdb_txn_abort(txn);
    RAWKV_RETURN_IF_ERROR(FromLmdb(opened));
    return FromLmdb(mdb_txn_commit(txn));
  }

  Status Close() override {
    if (env_ != nullptr) mdb_env_close(env_);
    env_ = nullptr;
    return Status::Ok();
  }

  Status Commit(std::span<const Entry> entries, CommitMode mode) override {
    MDB_txn* txn = nullptr;
    RAWKV_RETURN_IF_ERROR(FromLmdb(mdb_txn_begin(env_, nullptr, 0, &txn)));
    // This thread holds the only write transaction, so that no other one reads or writes the flag.
    mdb_env_set_flags(env_, MDB_NOSYNC, mode == CommitMode::kUnsynced ? 1 : 0);
    for (const Entry& entry : entries) {
      MDB_val key = ValOf(entry.key), value = ValOf(AsStringView(entry.value));
      const int put = mdb_put(txn, dbi_, &key, &value, 0);
      if (put != MDB_SUCCESS) mdb_txn_abort(txn);
      RAWKV_RETURN_IF_ERROR(FromLmdb(put));
    }
    return FromLmdb(mdb_txn_commit(txn));
  }

  Status Sync() override { return FromLmdb(mdb_env_sync(env_, 1)); }

  Result<std::unique_ptr<Reader>> NewReader() override {
    return std::unique_ptr<Reader>(std::make_unique<LmdbReader>(env_, dbi_));
  }

  Status MultiGet(std::span<const std::string_view> keys, const OnEntry& fn) override {
    ReadTxn read;
    RAWKV_ASSIGN_OR_RETURN(MDB_txn* const txn, read.Begin(env_));
    for (const std::string_view key : keys) {
      MDB_val k = ValOf(key), value{};
      RAWKV_RETURN_IF_ERROR(FromLmdb(mdb_get(txn, dbi_, &k, &value)));
      RAWKV_RETURN_IF_ERROR(fn(key, AsBytes(TextOf(value))));
    }
    return Status::Ok();
  }

  Status Scan(std::string_view first, uint64_t count, const OnEntry& fn) override {
    ReadTxn read;
    RAWKV_ASSIGN_OR_RETURN(MDB_txn* const txn, read.Begin(env_));
    MDB_cursor* opened = nullptr;
    RAWKV_RETURN_IF_ERROR(FromLmdb(mdb_cursor_open(txn, dbi_, &opened)));
    const std::unique_ptr<MDB_cursor, decltype(&mdb_cursor_close)> cursor(opened, mdb_cursor_close);
    MDB_val key = ValOf(first), value{};
    int code = mdb_cursor_get(cursor.get(), &key, &value, first.empty() ? MDB_FIRST : MDB_SET_RANGE);
    for (uint64_t done = 0; code == MDB_SUCCESS && done < count; ++done) {
      RAWKV_RETURN_IF_ERROR(fn(TextOf(key), AsBytes(TextOf(value))));
      code = mdb_cursor_get(cursor.get(), &key, &value, MDB_NEXT);
    }
    return code == MDB_NOTFOUND ? Status::Ok() : FromLmdb(code);
  }

  Status Settle() override { return Sync(); }
  Status Snapshot() override {
    return Status::NotSupported("LMDB has no snapshot that shares pages with the store");
  }
  Result<uint64_t> SpaceBytes() override { return AllocatedBytes(options_.dir, ""); }

 private:
  const PeerOptions options_;
  MDB_env* env_ = nullptr;
  MDB_dbi dbi_ = 0;
};

}  // namespace

std::unique_ptr<Peer> MakeLmdbPeer(const PeerOptions& options) {
  return std::make_unique<LmdbPeer>(options);
}

bool LmdbIsBuiltIn() {
  return true;
}

std::string LmdbVersion() {
  int major = 0, minor = 0, patch = 0;
  mdb_version(&major, &minor, &patch);
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

#else

std::unique_ptr<Peer> MakeLmdbPeer(const PeerOptions&) {
  return nullptr;
}

bool LmdbIsBuiltIn() {
  return false;
}

std::string LmdbVersion() {
  return "rawkv-bench was built without the package liblmdb-dev";
}

#endif

}  // namespace rawkv::bench
