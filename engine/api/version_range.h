#pragma once

#include <utility>
#include <vector>

#include "base/types.h"

namespace rawkv {

// First and last version of a range; both belong to it.
using VersionRange = std::pair<Version, Version>;
// A set of versions. Normalized: the ranges ascend, are disjoint and are not adjacent.
using VersionRanges = std::vector<VersionRange>;

// The functions below are pure.
VersionRanges Normalized(VersionRanges ranges);
bool Covers(const VersionRanges& ranges, Version version);
// The versions of `ranges` that are in none of `taken`. Both are normalized.
VersionRanges Without(const VersionRanges& ranges, const VersionRanges& taken);

}  // namespace rawkv
