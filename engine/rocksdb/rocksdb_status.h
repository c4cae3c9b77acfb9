#pragma once

#include <string_view>

#include "base/status.h"

namespace rocksdb {
class Status;
}

namespace rawkv {

// RocksDB's answer in our terms: no such key is kNotFound, a full filesystem kNoSpace, damage
// kCorruption, what RocksDB refuses kNotSupported, all else kIoError,
// refused() where base/refusal.h says so. `what` says what was done where.
Status FromRocksdb(const rocksdb::Status& status, std::string_view what);

// Whether the system's text for `error` stands in the message: all that RocksDB keeps of most errno values.
bool ContainsErrnoText(const rocksdb::Status& status, int error);

}  // namespace rawkv
