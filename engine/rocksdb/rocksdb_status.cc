#include "engine/rocksdb/rocksdb_status.h"

#include <rocksdb/status.h>

#include <string>
#include <system_error>

#include "base/refusal.h"

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

bool ContainsErrnoText(const rocksdb::Status& status, int error) {
  const std::string text = status.ToString();
  return text.find(std::generic_category().message(error)) != std::string::npos;
}

Status FromRocksdb(const rocksdb::Status& status, std::string_view what) {
  if (status.ok()) return {};
  std::string message = std::string(what) + ": " + status.ToString();
  const StatusCode code = CodeOf(status);
  // RocksDB keeps errno only as text, and turns a failed stat of a table into kCorruption.
  if (code == StatusCode::kIoError || code == StatusCode::kCorruption) {
    if (const std::string_view advice = RefusalAdviceIn(message); !advice.empty()) {
      return Status::Refused(message + "; " + std::string(advice));
    }
  }
  return {code, std::move(message)};
}

}  // namespace rawkv
