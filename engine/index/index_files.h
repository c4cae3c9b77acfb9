#pragma once

#include <string>
#include <vector>

#include "base/fs.h"
#include "base/result.h"
#include "engine/index/key_index.h"

namespace rocksdb {
class DB;
}

namespace rawkv {

// Whether RocksDB can be kept from removing files meanwhile: not in a read-only opening.
enum class Deletions : uint8_t { kDisable, kBeyondReach };
// KeyIndex::LinkInto for the database in `dir`.
Result<std::vector<LinkedFile>> LinkLiveFiles(rocksdb::DB& db, Fs& fs, const std::string& dir,
                                              const std::string& to, Deletions deletions);

}  // namespace rawkv
