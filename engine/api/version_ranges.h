#pragma once

#include "engine/admin/admin.h"

namespace rawkv {

// Sets of versions; pure. Ascending, disjoint and not adjacent once normalized.
VersionRanges Normalized(VersionRanges ranges);
bool Covers(const VersionRanges& ranges, Version version);
// What of `ranges` lies in none of `taken`; both normalized.
VersionRanges Without(const VersionRanges& ranges, const VersionRanges& taken);

}  // namespace rawkv
