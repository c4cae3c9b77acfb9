#pragma once

#include <memory>

namespace rocksdb {
class FileSystem;
}

namespace rawkv {

// `base` for reading, with everything that is written kept in memory: an index can be opened, and written to
// in memory, on a filesystem that has no room for a single block. Files of `base` are never changed; one that
// is deleted or replaced is only hidden. What was written is gone with the filesystem.
std::shared_ptr<rocksdb::FileSystem> MakeMemoryOverlay(const std::shared_ptr<rocksdb::FileSystem>& base);

}  // namespace rawkv
