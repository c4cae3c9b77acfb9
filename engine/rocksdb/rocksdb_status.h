#pragma once

#include <string_view>

#include "base/status.h"

namespace rocksdb {
class Status;
}

namespace rawkv {

// Converts a status of RocksDB: no such key is kNotFound, a full filesystem kNoSpace, damage kCorruption, an
// operation that RocksDB does not support kNotSupported, and everything else kIoError, with refused() as
// base/refusal.h defines it. `what` names the operation and the place, for the message.
Status FromRocksdb(const rocksdb::Status& status, std::string_view what);

// Whether the message contains the system's text for `error`. RocksDB keeps most errno values only as text.
bool ContainsErrnoText(const rocksdb::Status& status, int error);

}  // namespace rawkv
