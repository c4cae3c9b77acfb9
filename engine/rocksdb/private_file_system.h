#pragma once

#include <memory>
#include <string>

namespace rocksdb {
class FileSystem;
}

namespace rawkv {

// The operating system's files as RocksDB uses them, but made for the owner alone: files 0600,
// directories 0700 (invariant 14). RocksDB's own are 0644 and 0755.
std::shared_ptr<rocksdb::FileSystem> MakePrivateFileSystem();
// What root makes below `dir` belongs to the owner of `dir` besides (FileOwner).
std::shared_ptr<rocksdb::FileSystem> MakePrivateFileSystemForOwnerOf(const std::string& dir);

}  // namespace rawkv
