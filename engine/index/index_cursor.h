#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/index/key_index.h"

namespace rocksdb {
class DB;
}

namespace rawkv {

// KeyIndex::NewCursor over the database in `dir`, which must outlive the cursor.
std::unique_ptr<IndexCursor> NewRocksdbCursor(rocksdb::DB& db, std::string dir, std::string_view lower,
                                              std::string_view upper, std::shared_ptr<const ReadPoint> at);

}  // namespace rawkv
