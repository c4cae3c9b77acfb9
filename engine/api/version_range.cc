#include "engine/api/version_range.h"

#include <algorithm>

namespace rawkv {

VersionRanges Normalized(VersionRanges ranges) {
  std::sort(ranges.begin(), ranges.end());
  VersionRanges out;
  for (const auto& [first, last] : ranges) {
    if (!out.empty() && first.value() <= out.back().second.value() + 1) {
      out.back().second = std::max(out.back().second, last);
    } else {
      out.emplace_back(first, last);
    }
  }
  return out;
}

bool Covers(const VersionRanges& ranges, Version version) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const auto& r) { return r.first <= version && version <= r.second; });
}

VersionRanges Without(const VersionRanges& ranges, const VersionRanges& taken) {
  VersionRanges out;
  for (const auto& [first, last] : ranges) {
    Version at = first;
    bool over = false;  // `last` is taken, so no version of this range is left
    for (const auto& [from, to] : taken) {
      if (to < at || from > last) continue;
      if (from > at) out.emplace_back(at, Previous(from));
      over = to >= last;
      if (over) break;
      at = Next(to);
    }
    if (!over) out.emplace_back(at, last);
  }
  return out;
}

}  // namespace rawkv
