#include "tools/bench/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/fs_ops.h"
#include "tools/bench/chart.h"
#include "tools/bench/workload.h"

namespace rawkv::bench {
namespace {

constexpr uint64_t kDepthsOfALine = 3;
constexpr double kIdleLoad = 0.25;  // of a processor

// The series of the workload's first figure; with a size, only those.
std::vector<const Series*> FirstFigure(const Results& results, const std::string& workload,
                                       std::optional<uint64_t> value_bytes = std::nullopt) {
  std::vector<const Series*> out;
  for (const Series& series : results.series) {
    const bool chosen = series.workload == workload && (!value_bytes || series.value_bytes == *value_bytes);
    if (chosen && (out.empty() || series.metric == out.front()->metric)) out.push_back(&series);
  }
  return out;
}

// A chart of the series, with a group for each label in their order.
template <typename Label>
Chart ChartOf(const Results& results, const std::string& title, const std::vector<const Series*>& all,
              const Label& label) {
  Chart chart{.title = title, .unit = all.front()->metric + ", " + all.front()->unit};
  for (const Series* series : all) {
    if (chart.groups.empty() || chart.groups.back() != label(*series)) chart.groups.push_back(label(*series));
  }
  for (const PeerFacts& peer : results.peers) {
    const std::vector<double> none(chart.groups.size(), -1);
    ChartSeries line{.name = peer.name, .values = none, .low = none, .high = none};
    bool measured = false;
    for (const Series* series : all) {
      if (series->peer != peer.name) continue;
      const auto group = std::find(chart.groups.begin(), chart.groups.end(), label(*series));
      const auto at = static_cast<size_t>(group - chart.groups.begin());
      const Spread spread = SpreadOf(series->samples);
      line.values[at] = spread.median;
      line.low[at] = spread.min;
      line.high[at] = spread.max;
      measured = true;
    }
    if (measured) chart.series.push_back(std::move(line));
  }
  return chart;
}

class Report {
 public:
  Report(const std::string& path, const Results& results) : path_(path), results_(results) {}

  Status Write() {
    std::error_code error;
    std::filesystem::create_directories(path_, error);
    if (error) return Status::FromErrno(error.value(), "making " + path_);
    text_ = Head();
    for (const std::string& workload : WorkloadsOf(results_)) RAWKV_RETURN_IF_ERROR(AddWorkload(workload));
    RAWKV_RETURN_IF_ERROR(WriteFile(JoinPath(path_, "results.json"), ToJson(results_)));
    return WriteFile(path_ + ".md", text_);
  }

 private:
  static Status WriteFile(const std::string& path, const std::string& text) {
    return WriteFileAtomic(PosixFs(), path, AsBytes(text));
  }

  bool IsQuick() const {
    const auto& settings = results_.settings;
    return std::find(settings.begin(), settings.end(), kQuickRun) != settings.end();
  }

  // The load before the run counts: during the run, the program itself makes some.
  std::string WarningOfLoad() const {
    double load = 0, processors = 0;
    for (const auto& [fact, value] : results_.machine.facts) {
      if (fact == "load at the start") load = std::strtod(value.c_str(), nullptr);
      if (fact == "processors") processors = std::strtod(value.c_str(), nullptr);
    }
    if (load <= processors * kIdleLoad) return "";
    return fmt::format(
        "**The machine was busy**: before the run its load was {:.1f} on {:.0f} processors. The figures are "
        "lower "
        "than those of an idle machine, and vary more.\n\n",
        load, processors);
  }

  std::string Head() const {
    const std::string name = std::filesystem::path(path_).filename();
    std::string text = fmt::format(
        "# Benchmarks\n\n"
        "`rawkv-bench run --dir=DIR{} --report={}` made this page, its plots and [its "
        "results]({}/results.json). "
        "Compare only figures of one run: the peers took turns in it, in a new order for each repeat. A "
        "figure is "
        "the median of the repeats; ± is the distance of the farthest sample. A black line in a bar reaches "
        "from "
        "the lowest to the highest sample. In a bar chart, each group has a scale of its own.\n\n"
        "`rawkv-bench compare A.json B.json` shows which figures of two runs differ by more than their "
        "spread. "
        "`rawkv-bench help` lists what can be chosen.\n\n"
        "{}"
        "| machine and run | |\n| --- | --- |\n",
        IsQuick() ? " --quick" : "", path_, name, WarningOfLoad());
    for (const auto& facts : {results_.machine.facts, results_.settings}) {
      for (const auto& [fact, value] : facts) text += fmt::format("| {} | {} |\n", fact, value);
    }
    text += "\n| peer | version | configuration |\n| --- | --- | --- |\n";
    for (const PeerFacts& peer : results_.peers) {
      text += fmt::format("| {} | {} | {} |\n", peer.name, peer.version, peer.configuration);
    }
    for (const Missing& missing : results_.missing) {
      if (missing.workload.empty())
        text += fmt::format("\n{} is missing: {}.\n", missing.peer, missing.reason);
    }
    return text;
  }

  Status AddWorkload(const std::string& workload) {
    text_ += fmt::format("\n## {}\n\n", workload);
    for (const Workload& each : Workloads()) {
      if (each.name == workload) text_ += fmt::format("{}\n\n", each.what);
    }
    const std::vector<const Series*> all = FirstFigure(results_, workload);
    const auto size_and_depth = [](const Series& series) {
      return fmt::format("{}, {} {}", SizeName(series.value_bytes), series.dimension, series.depth);
    };
    RAWKV_RETURN_IF_ERROR(
        AddPlot(workload, workload, BarChartSvg(ChartOf(results_, workload, all, size_and_depth))));
    std::vector<uint64_t> sizes;
    for (const Series* series : all) {
      if (std::find(sizes.begin(), sizes.end(), series->value_bytes) == sizes.end()) {
        sizes.push_back(series->value_bytes);
      }
    }
    for (const uint64_t size : sizes) {
      const std::string title = fmt::format("{}, values of {}", workload, SizeName(size));
      const Chart chart =
          ChartOf(results_, title, FirstFigure(results_, workload, size),
                  [](const Series& series) { return fmt::format("{} {}", series.dimension, series.depth); });
      if (chart.groups.size() < kDepthsOfALine) continue;
      RAWKV_RETURN_IF_ERROR(
          AddPlot(fmt::format("{}-{}", workload, SizeName(size)), title, LineChartSvg(chart)));
    }
    text_ += TableOf(results_, workload);
    return Status::Ok();
  }

  Status AddPlot(const std::string& name, const std::string& title, const std::string& svg) {
    text_ +=
        fmt::format("![{}]({}/{}.svg)\n\n", title, std::filesystem::path(path_).filename().string(), name);
    return WriteFile(JoinPath(path_, name + ".svg"), svg);
  }

  const std::string path_;
  const Results& results_;
  std::string text_;
};

}  // namespace

Status WriteReport(const std::string& path, const Results& results) {
  return Report(path, results).Write();
}

}  // namespace rawkv::bench
