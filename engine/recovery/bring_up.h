#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/live/core.h"
#include "engine/store/store_context.h"
#include "engine/store/working_index.h"

namespace rawkv {

// Whole snapshots of this branch from which the log leads on and whose values are all still there, newest
// first. "Whole" as far as their lists of files say; no content is read.
Result<std::vector<Version>> ListContinuedSnapshots(StoreContext& context);

// What the live index may be made of.
struct IndexSource {
  std::optional<WorkingIndex> working;  // absent: it cannot be used,
  std::string why;                      // for this reason
  Version current;
};

// Fills core.index and core.meta with the state at `to`, the end of the log, which must be open:
//
//   working/ as it is → a clone of `current` → clones of older snapshots, newest first
//
// The next one is tried only where the one before it is proven to be damaged. Once an older snapshot has led
// to the end, it is `current`, and the damaged ones are moved aside; the log that led there was good, so
// it was they. Told as a warning. kCorruption, with what `current` had: nothing leads to the end, and nothing
// was moved.
Status BringUpIndex(StoreContext& context, Core& core, IndexSource source, Version to);

// Notes, and logs as a warning, that this open found no room (StoreContext::without_room).
void MarkOpenedWithoutRoom(StoreContext& context, const Status& cause);

}  // namespace rawkv
