#pragma once

#include "engine/payload/payload_io.h"
#include "engine/store/store_context.h"
#include "wal/wal.h"

namespace rawkv {

// The last version to which intact records lead from a whole state at version `from`; `from` if there are
// none. Ignores the log below `from`. Records that nothing shows to be durable count only as far as their
// payload is whole
// (`proven`: as for JudgeLog).
Result<Version> FindReachFrom(StoreContext& context, Version from, Version proven);

// Whether every payload of the record passes its checksums. An error means that the device cannot be read.
Result<bool> PayloadsAreWhole(PayloadIo& payload, const LogRecord& record);

}  // namespace rawkv
