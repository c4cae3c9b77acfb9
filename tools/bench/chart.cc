#include "tools/bench/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "tools/bench/results.h"

namespace rawkv::bench {
namespace {

constexpr std::array<const char*, 6> kColors = {"#1b6ca8", "#d1495b", "#edae49",
                                                "#66a182", "#6b6b6b", "#8e5ea2"};
constexpr int kWidth = 760;
constexpr int kLeft = 230;   // of the bars or the plot
constexpr int kRight = 110;  // for figures and names
constexpr int kTop = 40;

std::string Escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '&') {
      out += "&amp;";
    } else {
      out += c;
    }
  }
  return out;
}

struct Place {
  double x = 0, y = 0;
};

std::string Text(Place at, const std::string& text, const char* anchor = "start") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", at.x, at.y, anchor,
                     Escaped(text));
}

std::string Line(Place from, Place to, const char* color) {
  return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\"/>\n",
                     from.x, from.y, to.x, to.y, color);
}

std::string Rectangle(Place at, Place size, const char* color) {
  return fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"{}\"/>\n",
                     at.x, at.y, size.x, size.y, color);
}

std::string Document(const Chart& chart, int height, const std::string& body) {
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
             "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"{0}\" height=\"{1}\" "
             "fill=\"#fff\"/>\n",
             kWidth, height) +
         Text({10, 22}, chart.title + ", " + chart.unit) + body + "</svg>\n";
}

double HighestOf(const Chart& chart, size_t group) {
  double highest = 0;
  for (const ChartSeries& series : chart.series) highest = std::max(highest, series.values[group]);
  return highest;
}

}  // namespace

std::string BarChartSvg(const Chart& chart) {
  constexpr int kBar = 14, kGap = 12;
  constexpr double kFull = kWidth - kLeft - kRight;
  std::string body;
  double y = kTop;
  for (size_t group = 0; group < chart.groups.size(); ++group) {
    const double highest = HighestOf(chart, group);
    body += Text({10, y + kBar}, chart.groups[group]);
    for (size_t i = 0; i < chart.series.size(); ++i) {
      const ChartSeries& series = chart.series[i];
      if (series.values[group] < 0) continue;
      const auto width = [&](double value) {
        return highest == 0 ? 0 : std::min(1.0, value / highest) * kFull;
      };
      body += Text({kLeft - 6, y + kBar - 3}, series.name, "end");
      body += Rectangle({kLeft, y}, {width(series.values[group]), kBar - 2}, kColors[i % kColors.size()]);
      const double middle = y + (kBar - 2) / 2.0;
      body += Line({kLeft + width(series.low[group]), middle}, {kLeft + width(series.high[group]), middle},
                   "#000");
      body += Text({kLeft + kFull + 8, y + kBar - 3}, FormatFigure(series.values[group]));
      y += kBar;
    }
    y += kGap;
  }
  return Document(chart, static_cast<int>(y), body);
}

std::string LineChartSvg(const Chart& chart) {
  constexpr int kHeight = 300, kBottom = 40;
  constexpr double kFullX = kWidth - kLeft - kRight, kFullY = kHeight - kTop - kBottom;
  double low = HUGE_VAL, high = 0;
  for (const ChartSeries& series : chart.series) {
    for (const double value : series.values) {
      if (value <= 0) continue;
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
  if (high == 0) return Document(chart, kHeight, "");
  // Whole powers of ten, so that small differences do not look large.
  const double first = std::floor(std::log10(low));
  const double decades = std::max(1.0, std::ceil(std::log10(high)) - first);
  const auto place = [&](size_t at, double value) {
    const size_t steps = std::max<size_t>(1, chart.groups.size() - 1);
    return Place{kLeft + kFullX * static_cast<double>(at) / static_cast<double>(steps),
                 kTop + kFullY * (1 - (std::log10(value) - first) / decades)};
  };
  std::string body;
  for (int i = 0; i <= static_cast<int>(decades); ++i) {
    const double value = std::pow(10, first + i);
    const double y = place(0, value).y;
    body += Text({kLeft - 8, y + 4}, FormatFigure(value), "end");
    body += Line({kLeft, y}, {kLeft + kFullX, y}, "#ccc");
  }
  for (size_t at = 0; at < chart.groups.size(); ++at) {
    body += Text({place(at, high).x, kHeight - kBottom + 18}, chart.groups[at], "middle");
  }
  for (size_t i = 0; i < chart.series.size(); ++i) {
    const ChartSeries& series = chart.series[i];
    const char* const color = kColors[i % kColors.size()];
    std::string points;
    for (size_t at = 0; at < series.values.size(); ++at) {
      if (series.values[at] <= 0) continue;
      const Place point = place(at, series.values[at]);
      points += fmt::format("{:.1f},{:.1f} ", point.x, point.y);
    }
    body += fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>\n", points,
                        color);
    const double y = kTop + 16 * static_cast<double>(i);
    body += Rectangle({kLeft + kFullX + 12, y}, {10, 10}, color);
    body += Text({kLeft + kFullX + 28, y + 10}, series.name);
  }
  return Document(chart, kHeight, body);
}

}  // namespace rawkv::bench
