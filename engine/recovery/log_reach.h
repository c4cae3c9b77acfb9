#pragma once

#include "engine/payload/payload_io.h"
#include "engine/store/store_context.h"
#include "wal/wal.h"

namespace rawkv {

// The last version that a whole state at version `from` can be taken to by intact records behind it,
// whatever the log holds below them. Records that nothing shows to have been durable count only as far
// as their payload is whole (`proven`: as with JudgeLog). `from` itself if there are none.
Result<Version> FindReachFrom(StoreContext& context, Version from, Version proven);

// Whether every payload that the record puts is what it says. A device that cannot be read is an error.
Result<bool> PayloadsAreWhole(PayloadIo& payload, const LogRecord& record);

}  // namespace rawkv
