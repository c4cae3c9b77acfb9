#include "tools/bench/compare.h"

#include <fmt/format.h>

#include <map>

namespace rawkv::bench {
namespace {

using ByName = std::map<std::string, const Series*>;

ByName NamesOf(const Results& results) {
  ByName out;
  for (const Series& series : results.series) out[series.Id() + " of " + series.peer] = &series;
  return out;
}

}  // namespace

Comparison Compare(const Results& before, const Results& after) {
  Comparison out;
  const ByName old_series = NamesOf(before), new_series = NamesOf(after);
  std::string rows;
  for (const auto& [name, was] : old_series) {
    const auto found = new_series.find(name);
    if (found == new_series.end()) {
      ++out.only_in_one;
      continue;
    }
    const Spread a = SpreadOf(was->samples), b = SpreadOf(found->second->samples);
    const bool higher = b.min > a.max, lower = b.max < a.min;
    if (!higher && !lower) {
      ++out.same;
      continue;
    }
    const bool better = higher == (was->better == Better::kHigher);
    ++(better ? out.better : out.worse);
    rows +=
        fmt::format("| {} | {} | {} | {:.2f} | {} |\n", name, FormatFigure(a.median), FormatFigure(b.median),
                    a.median == 0 ? 0 : b.median / a.median, better ? "better" : "worse");
  }
  for (const auto& [name, series] : new_series) {
    if (!old_series.contains(name)) ++out.only_in_one;
  }
  if (!rows.empty()) {
    out.text = "| figure | A | B | B / A | B is |\n| --- | --- | --- | --- | --- |\n" + rows + "\n";
  }
  out.text += fmt::format(
      "{} figures are better in B, {} are worse, {} differ by less than their spread, {} are in one run "
      "only.\n",
      out.better, out.worse, out.same, out.only_in_one);
  return out;
}

}  // namespace rawkv::bench
