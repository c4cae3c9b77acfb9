#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/index/index_entry.h"

namespace rocksdb {
class Status;
}

namespace rawkv {

// What a look-up in the index in `dir` came to: the entry, none, or the error.
Result<std::optional<IndexEntry>> LookupResult(const rocksdb::Status& status, std::string_view value,
                                               const std::string& dir);

}  // namespace rawkv
