#pragma once

#include "engine/store_context.h"

namespace rawkv {

// The last version that a whole state at version `from` can be taken to by intact records behind it,
// whatever the log holds below them. Records that nothing shows to have been durable count only as far
// as their payload is whole (`proven`: as with JudgeLog). `from` itself if there are none.
Result<Version> ReachFrom(StoreContext& context, Version from, Version proven);

}  // namespace rawkv
