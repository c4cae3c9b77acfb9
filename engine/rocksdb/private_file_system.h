#pragma once

#include <memory>
#include <string>

namespace rocksdb {
class FileSystem;
}

namespace rawkv {

// The operating system's files, but new files have mode 0600 and new directories 0700 (invariant 14). RocksDB
// itself makes them with 0644 and 0755. Thread-safe.
std::shared_ptr<rocksdb::FileSystem> MakePrivateFileSystem();
// The same; and what root makes below `dir` belongs to the owner of `dir` (FileOwner).
std::shared_ptr<rocksdb::FileSystem> MakePrivateFileSystemForOwnerOf(const std::string& dir);

}  // namespace rawkv
