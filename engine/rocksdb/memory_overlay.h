#pragma once

#include <memory>

namespace rocksdb {
class FileSystem;
}

namespace rawkv {

// A filesystem that reads from `base` and keeps all writes in memory until it is destroyed. So an index can
// be opened and changed on a filesystem without a single free block. It never changes a file of `base`; it
// only hides a file that is deleted or replaced. Thread-safe.
std::shared_ptr<rocksdb::FileSystem> MakeMemoryOverlay(const std::shared_ptr<rocksdb::FileSystem>& base);

}  // namespace rawkv
