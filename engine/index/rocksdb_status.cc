#include "engine/index/rocksdb_status.h"

#include <rocksdb/status.h>

#include <string>

namespace rawkv {
namespace {

StatusCode CodeOf(const rocksdb::Status& status) {
  if (status.IsCorruption()) return StatusCode::kCorruption;
  if (status.IsNotFound()) return StatusCode::kNotFound;
  if (status.IsNoSpace()) return StatusCode::kNoSpace;
  if (status.IsNotSupported()) return StatusCode::kNotSupported;
  return StatusCode::kIoError;
}

}  // namespace

Status FromRocksdb(const rocksdb::Status& status, std::string_view what) {
  if (status.ok()) return {};
  return {CodeOf(status), std::string(what) + ": " + status.ToString()};
}

}  // namespace rawkv
