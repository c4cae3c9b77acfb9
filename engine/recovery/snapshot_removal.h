#pragma once

#include "engine/store/store_context.h"

namespace rawkv {

// The removal of snapshots. If the operating system refuses it (an immutable directory, or a filesystem that
// cannot rename the directory), an open, a prune or a rollback logs a warning and continues, and the next
// open tries again.

// Removes a published snapshot, durably. Returns false, with a warning, if the snapshot can be neither
// renamed nor marked: it stays a snapshot, and its version stays reachable. kFailedPrecondition: `current`
// names it.
Result<bool> RemoveSnapshot(StoreContext& context, Version version);

// Removes the snapshots that a rollback could not remove: their lineage is on STORE's chain, but forked below
// their version (invariant 4). Until they are removed, the chain keeps them from being used.
Status RemoveAbandonedSnapshots(StoreContext& context);

// Moves a damaged snapshot that nothing uses aside, to a name that ends in .damaged. If it cannot be renamed,
// it stays, with a warning: its MANIFEST or files keep it from being used.
Status MoveDamagedAside(StoreContext& context, Version version);

}  // namespace rawkv
