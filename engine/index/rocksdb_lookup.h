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

// The result of a look-up in the index in `dir`: the entry, no entry, or an error.
Result<std::optional<IndexEntry>> LookupResult(const rocksdb::Status& status, std::string_view value,
                                               const std::string& dir);

}  // namespace rawkv
