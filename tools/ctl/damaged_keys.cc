#include "tools/ctl/damaged_keys.h"

#include "tools/ctl/store_access.h"

namespace rawkv::ctl {
namespace {

// The record of one commit must fit the smallest log segment (64 KiB).
constexpr size_t kBatchBytes = 32u << 10;
constexpr size_t kDeleteBytes = 64;  // of one deletion besides its key, at most

}  // namespace

bool IsPayloadGone(const Status& read) {
  return read.code() == StatusCode::kCorruption || (read.code() == StatusCode::kIoError && !read.refused());
}

Result<std::vector<DamagedKey>> FindDamagedKeys(Invocation& call, Engine& engine) {
  const ProgressFn progress = WithTotal([&call](const Progress& report) { call.progress.Report(report); },
                                        EstimateReads(call, engine).tip_bytes);
  RAWKV_ASSIGN_OR_RETURN(const auto at, engine.NewIterator());
  std::vector<DamagedKey> damaged;
  uint64_t bytes = 0;
  for (at->SeekToFirst(); at->Valid(); at->Next()) {
    const Status read = at->ReadValue().status();
    if (IsPayloadGone(read)) {
      damaged.push_back({std::string(at->key()), at->written_by(), read.ToString()});
    } else if (!read.ok()) {
      return read;
    }
    bytes += at->value_bytes();
    progress({.what = "read", .done = bytes, .unit = "bytes"});
  }
  call.progress.Wipe();
  RAWKV_RETURN_IF_ERROR(at->status());
  return damaged;
}

Result<Version> DropKeys(Engine& engine, const std::vector<DamagedKey>& keys) {
  Version version = engine.version();
  WriteBatch batch;
  size_t batch_bytes = 0;
  for (size_t i = 0; i < keys.size(); ++i) {
    batch.Delete(keys[i].key);
    batch_bytes += kDeleteBytes + keys[i].key.size();
    const bool full =
        i + 1 == keys.size() || batch_bytes + kDeleteBytes + keys[i + 1].key.size() > kBatchBytes;
    if (!full) continue;
    RAWKV_ASSIGN_OR_RETURN(version, CommitBatch(engine, batch, {}));
    batch.Clear();
    batch_bytes = 0;
  }
  return version;
}

}  // namespace rawkv::ctl
