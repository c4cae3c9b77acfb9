#pragma once

#include <memory>

namespace rocksdb {
class FileSystem;
class Status;
}  // namespace rocksdb

namespace rawkv {

// A filesystem that keeps answers of `base` from RocksDB 7.8 that would end the process. Distributions build
// RocksDB with assertions, and some of them assert that an operation which can fail does not fail. A write
// over the quota (EDQUOT) or over the process's limit of file size (EFBIG) returns "no space", like ENOSPC:
// RocksDB treats any other error as lasting. Thread-safe.
std::shared_ptr<rocksdb::FileSystem> MakeGuardedFileSystem(const std::shared_ptr<rocksdb::FileSystem>& base);
// The first failure to list a directory, or ok. RocksDB reports such a failure as corruption of the database.
rocksdb::Status ListingFailure(const rocksdb::FileSystem& guarded);
// Releases the lock of a database whose open ended with an exception. RocksDB does not release it, and the
// process could not open the database again. At most one lock is held at a time.
void ReleaseDatabaseLock(rocksdb::FileSystem& guarded);

}  // namespace rawkv
