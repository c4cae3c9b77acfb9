#pragma once

#include <memory>

#include "engine/read/views.h"
#include "engine/store/store_context.h"

namespace rawkv {

// Views of a store that another process may have open for writing (protocols: leased view steps 1 to 6). The
// caller calls them inside RetryWhileChanging, because a writer may change the store at any moment.

// Begins a clone for a view of `version`, then checks that the store still kept that
// version once the lease was there. From then on the writer keeps its slots. kBusy: it did not.
Result<std::shared_ptr<EngineView>> BeginLeasedClone(StoreContext& context, ViewRegistry& views,
                                                     const CloneSource& source, Version version,
                                                     const char* kind);

// Asks the writer to prune nothing while this reader looks for its version, if pruning is not urgent. For a
// reader that failed because of a prune: a writer that prunes all the time could make it fail for ever. Null
// if no lease can be made.
std::unique_ptr<Lease> HoldBackPrunes(StoreContext& context);

struct NewestView {
  std::shared_ptr<const EngineView> view;
  Version durable;  // known to be durable; at most the view's version
};
// Opens a view of the newest version in the log. Makes that version durable first, unless the store is
// unsynced: the writer may not have synced it yet. Changes nothing that belongs to the store; ignores a torn
// tail. kBusy: a rollback is under way. kFailedPrecondition: a rollback was interrupted.
Result<NewestView> OpenNewestView(StoreContext& context, ViewRegistry& views);

}  // namespace rawkv
