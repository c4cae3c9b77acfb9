#pragma once

#include "engine/store/store_context.h"

namespace rawkv {

// Compares STORE with the superblock of the device (invariant 14). kFailedPrecondition: a wrong device, or
// one of the two comes from a backup; the message names the differences. Accepts a STORE that is older than
// the device if the options say so. kCorruption: the two contradict each other.
Status CheckIdentity(StoreContext& context, const StoreRecord& record, const Superblock& superblock);

}  // namespace rawkv
