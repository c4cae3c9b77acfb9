#pragma once

#include <string>
#include <vector>

namespace rawkv::bench {

// A value of one bar or point. Negative: there is none.
struct ChartSeries {
  std::string name;
  std::vector<double> values;     // one for each group, or each place on the axis
  std::vector<double> low, high;  // the ends of the whisker
};

struct Chart {
  std::string title;
  std::string unit;
  std::vector<std::string> groups;  // labels
  std::vector<ChartSeries> series;
};

// Horizontal bars in groups. In each group the longest bar is the highest value, so that groups of different
// magnitude can be read; each bar shows its figure.
std::string BarChartSvg(const Chart& chart);
// A line for each series, over the groups as places on the axis. The vertical axis is
// logarithmic.
std::string LineChartSvg(const Chart& chart);

}  // namespace rawkv::bench
