#pragma once

#include <memory>

namespace rocksdb {
class FileSystem;
}

namespace rawkv {

// The same filesystem without the answers that RocksDB 7.8 does not survive. Distributions build it with
// assertions on, and some of them take an operation that failed for one that cannot fail.
std::shared_ptr<rocksdb::FileSystem> Guarded(const std::shared_ptr<rocksdb::FileSystem>& base);
// Whether listing a directory has failed there, which RocksDB reports as corruption of the database.
bool ListingFailed(const rocksdb::FileSystem& guarded);

}  // namespace rawkv
