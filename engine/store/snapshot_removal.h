#pragma once

#include "engine/store/store_context.h"

namespace rawkv {

// How the engine takes snapshots away. What the operating system does not let go (an immutable directory, one
// on a filesystem that cannot rename it) never stops an open, a prune or a rollback: it is logged, and the
// next open tries again.

// Removes a published snapshot, durably. False, with a warning: it can be neither renamed nor marked, so it
// stays a snapshot, and whatever reaches it stays reachable. kFailedPrecondition for `current`'s.
Result<bool> RemoveSnapshot(StoreContext& context, Version version);

// Removes the snapshots that a rollback gave up and could not remove: STORE's chain knows their lineage and
// has left it below their version (invariant 4). Until they go, the chain keeps them from being used.
Status RemoveAbandonedSnapshots(StoreContext& context);

// Moves a damaged snapshot that nothing uses any more aside, to a name that ends in .damaged. One that cannot
// be renamed stays where it is, with a warning: its MANIFEST or files keep it from being used.
Status MoveDamagedAside(StoreContext& context, Version version);

}  // namespace rawkv
