#pragma once

#include <memory>

namespace rocksdb {
class FileSystem;
class Status;
}  // namespace rocksdb

namespace rawkv {

// The same filesystem without the answers that RocksDB 7.8 does not survive. Distributions build it with
// assertions on, and some of them take an operation that failed for one that cannot fail.
std::shared_ptr<rocksdb::FileSystem> Guarded(const std::shared_ptr<rocksdb::FileSystem>& base);
// The first failure to list a directory there, ok if there is none. RocksDB reports it as corruption of the
// database.
rocksdb::Status ListingFailure(const rocksdb::FileSystem& guarded);

}  // namespace rawkv
