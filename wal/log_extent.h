#pragma once

#include <cstdint>

#include "wal/wal.h"

namespace rawkv {

// A part of the log.
struct LogExtent {
  Version first, last;  // first > last: nothing
  Version newest;       // the newest version of the log, at or above `last`
};

// About how many bytes the records of a part of the log take. Reads no record: it takes the sizes of the
// segments, without the zeros at their ends, and of a segment that lies in the part only partly the share of
// its versions. Safe while another thread or process appends or removes segments.
Result<uint64_t> EstimateLogBytes(const WalContext& context, const LogExtent& extent);

}  // namespace rawkv
