#pragma once

#include <utility>
#include <vector>

#include "base/types.h"

namespace rawkv {

// The first and the last version of a range; both belong to it.
using VersionRange = std::pair<Version, Version>;
// A set of versions. It is normalized if the ranges ascend and are neither overlapping nor adjacent.
using VersionRanges = std::vector<VersionRange>;

// The functions below are pure.

// The same versions as a normalized set.
VersionRanges Normalized(VersionRanges ranges);
// Whether one of the ranges contains `version`.
bool Covers(const VersionRanges& ranges, Version version);
// The versions of `ranges` that no range of `taken` contains. Both must be normalized, and so is the result.
VersionRanges Without(const VersionRanges& ranges, const VersionRanges& taken);

}  // namespace rawkv
