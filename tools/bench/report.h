#pragma once

#include <string>

#include "base/result.h"
#include "tools/bench/results.h"

namespace rawkv::bench {

// Writes `path`.md with the tables, and in the directory `path` the plots that it shows and results.json. For
// each workload there is a bar chart of its first figure and, where it was measured at three depths or more,
// a line chart over them. Plots of an older report are overwritten.
Status WriteReport(const std::string& path, const Results& results);

}  // namespace rawkv::bench
