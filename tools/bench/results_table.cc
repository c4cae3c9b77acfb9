#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tools/bench/results.h"

namespace rawkv::bench {
namespace {

std::string Separated(uint64_t number) {
  std::string digits = std::to_string(number);
  for (size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
  return digits;
}

// One row of a table: a metric of a case, with the series of all peers.
struct Row {
  const Series* first;
  std::vector<const Series*> series;
};

std::vector<Row> RowsOf(const Results& results, const std::string& workload) {
  std::vector<Row> rows;
  for (const Series& series : results.series) {
    if (series.workload != workload) continue;
    const auto row = std::find_if(rows.begin(), rows.end(),
                                  [&](const Row& each) { return each.first->Id() == series.Id(); });
    if (row == rows.end()) {
      rows.push_back({&series, {&series}});
    } else {
      row->series.push_back(&series);
    }
  }
  return rows;
}

std::string Cell(const Row& row, const std::string& peer) {
  for (const Series* series : row.series) {
    if (series->peer != peer) continue;
    const Spread spread = SpreadOf(series->samples);
    return fmt::format("{} ±{:.0f}%", FormatFigure(spread.median), spread.deviation() * 100);
  }
  return "–";
}

}  // namespace

std::string FormatFigure(double value) {
  const double size = std::abs(value);
  if (size >= 1000) return (value < 0 ? "-" : "") + Separated(static_cast<uint64_t>(std::llround(size)));
  if (size >= 100) return fmt::format("{:.0f}", value);
  if (size >= 10) return fmt::format("{:.1f}", value);
  return fmt::format("{:.2f}", value);
}

std::vector<std::string> WorkloadsOf(const Results& results) {
  std::vector<std::string> names;
  for (const Series& series : results.series) {
    if (std::find(names.begin(), names.end(), series.workload) == names.end())
      names.push_back(series.workload);
  }
  return names;
}

std::string TableOf(const Results& results, const std::string& workload) {
  const std::vector<Row> rows = RowsOf(results, workload);
  if (rows.empty()) return "";
  std::string head = fmt::format("| value | {} | figure |", rows.front().first->dimension);
  std::string line = "| --- | --- | --- |";
  for (const PeerFacts& peer : results.peers) {
    head += fmt::format(" {} |", peer.name);
    line += " --- |";
  }
  std::string text = head + "\n" + line + "\n";
  for (const Row& row : rows) {
    text += fmt::format("| {} | {} | {}, {} |", SizeName(row.first->value_bytes), row.first->depth,
                        row.first->metric, row.first->unit);
    for (const PeerFacts& peer : results.peers) text += fmt::format(" {} |", Cell(row, peer.name));
    text += "\n";
  }
  std::string notes;
  for (const Missing& missing : results.missing) {
    if (missing.workload == workload) notes += fmt::format("- {}: {}\n", missing.peer, missing.reason);
  }
  return text + (notes.empty() ? "" : "\nNot measured:\n\n" + notes);
}

std::string ToTables(const Results& results) {
  std::string text;
  for (const std::string& workload : WorkloadsOf(results)) {
    text += fmt::format("\n### {}\n\n{}", workload, TableOf(results, workload));
  }
  const std::vector<std::string> measured = WorkloadsOf(results);
  for (const Missing& missing : results.missing) {
    if (missing.workload.empty()) {
      text += fmt::format("\n{} is missing: {}\n", missing.peer, missing.reason);
    } else if (std::find(measured.begin(), measured.end(), missing.workload) == measured.end()) {
      text +=
          fmt::format("\n{} was not measured for {}: {}\n", missing.workload, missing.peer, missing.reason);
    }
  }
  return text;
}

}  // namespace rawkv::bench
