#include "engine/index/key_index.h"

#include "engine/index/rocksdb_key_index.h"

namespace rawkv {

Result<std::unique_ptr<KeyIndex>> KeyIndex::Open(const KeyIndexOptions& options) {
  return RocksdbKeyIndex::Open(options);
}

}  // namespace rawkv
