#pragma once

#include <memory>

namespace rocksdb {
class FileSystem;
class Status;
}  // namespace rocksdb

namespace rawkv {

// The same filesystem without the answers that RocksDB 7.8 does not survive. Distributions build it with
// assertions on, and some of them take an operation that failed for one that cannot fail. A write over the
// quota (EDQUOT) or over the process's limit of file size (EFBIG) answers "no space", as ENOSPC does: RocksDB
// takes any other error for one that never passes.
std::shared_ptr<rocksdb::FileSystem> MakeGuardedFileSystem(const std::shared_ptr<rocksdb::FileSystem>& base);
// The first failure to list a directory there, ok if there is none. RocksDB reports it as corruption of the
// database.
rocksdb::Status ListingFailure(const rocksdb::FileSystem& guarded);
// Releases the database's lock, of which only one is held at a time, for a database whose opening was
// broken off by an exception: nobody else would, and the process could not open it again.
void ReleaseDatabaseLock(rocksdb::FileSystem& guarded);

}  // namespace rawkv
