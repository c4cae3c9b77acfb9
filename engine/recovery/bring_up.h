#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/live/core.h"
#include "engine/store/store_context.h"
#include "engine/store/working_index.h"

namespace rawkv {

// The whole snapshots of this branch that are continued, newest first. Compares the files with MANIFEST, but
// reads no content.
Result<std::vector<Version>> ListContinuedSnapshots(StoreContext& context);

// What the live index can be made from.
struct IndexSource {
  std::optional<WorkingIndex> working;  // absent: the working index cannot be used
  std::string why;                      // the reason for that
  Version current;
};

// Fills core.index and core.meta with the state at `to`, the end of the log, which must be open. Tries in
// this order:
//
//   working/ as it is → a clone of `current` → clones of older snapshots, newest first
//
// Tries the next one only if the one before it is proven to be damaged. If an older snapshot leads to the
// end, the log is good, and so the newer snapshots are damaged: makes the older one `current`, moves the
// damaged ones aside and logs a warning. kCorruption, with the error of `current`: nothing leads to the end,
// and nothing was moved.
Status BringUpIndex(StoreContext& context, Core& core, IndexSource source, Version to);

// Sets StoreContext::without_room and logs a warning: this open found no room on the filesystem.
void MarkOpenedWithoutRoom(StoreContext& context, const Status& cause);

}  // namespace rawkv
