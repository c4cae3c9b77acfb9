#include "tools/cli/near_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace rawkv::ctl {
namespace {

// Levenshtein distance, computed one row of the matrix at a time.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replace, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string SuggestName(std::string_view name, std::span<const std::string> candidates) {
  constexpr size_t kNameBytesMax = 64;  // the time to compute the distance is the product of the lengths
  if (name.size() < 2 || name.size() > kNameBytesMax) return "";
  std::string_view best;
  size_t best_distance = name.size() <= 4 ? 2 : 3;  // a smaller distance counts as a typing error
  for (const std::string& candidate : candidates) {
    const size_t distance = candidate.starts_with(name) ? 1 : EditDistance(name, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best.empty() ? "" : fmt::format("; did you mean '{}'?", best);
}

}  // namespace rawkv::ctl
