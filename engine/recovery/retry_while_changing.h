#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/fs.h"
#include "base/status.h"

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

}  // namespace rawkv
