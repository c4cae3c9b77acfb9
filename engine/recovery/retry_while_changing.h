#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/fs.h"
#include "base/result.h"

namespace rawkv {

// Calls `work`, which reads the store without its lock, until it succeeds. Work that fails may have met a
// change of the writer half-way, so it is called again if the store changed meanwhile, or if it answers
// kBusy. An error during which nothing changed is returned. kBusy: `work` answered it for `wait_ms`, but at
// least for a second, or the store changed during each of a hundred attempts.
//
// The store has changed if one of these has: the content of STORE, the target of `current`, and the names in
// the store's directory (except STATUS) and in wal/. Every open, snapshot, prune and rollback changes one of
// them. A commit does not, except when it begins a segment.
Status RetryWhileChanging(Fs& fs, const std::string& store_dir, uint64_t wait_ms,
                          const std::function<Status()>& work);

// The same for work that finds something.
template <typename T>
Result<T> FindWhileChanging(Fs& fs, const std::string& store_dir, uint64_t wait_ms,
                            const std::function<Result<T>()>& look) {
  std::optional<T> found;
  RAWKV_RETURN_IF_ERROR(RetryWhileChanging(fs, store_dir, wait_ms, [&]() -> Status {
    RAWKV_ASSIGN_OR_RETURN(found, look());
    return Status::Ok();
  }));
  return *std::move(found);
}

}  // namespace rawkv
