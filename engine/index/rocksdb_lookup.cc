#include "engine/index/rocksdb_lookup.h"

#include <rocksdb/status.h>

#include <utility>

#include "base/bytes.h"
#include "engine/rocksdb/rocksdb_status.h"

namespace rawkv {

Result<std::optional<IndexEntry>> LookupResult(const rocksdb::Status& status, std::string_view value,
                                               const std::string& dir) {
  Result<std::optional<IndexEntry>> found = std::optional<IndexEntry>();
  if (status.IsNotFound()) return found;
  if (!status.ok()) return FromRocksdb(status, "reading index " + dir);
  Result<IndexEntry> entry = DecodeIndexEntry(AsBytes(value));
  if (!entry.ok()) return entry.status().WithContext("index " + dir);
  found->emplace(std::move(*entry));
  return found;
}

}  // namespace rawkv
