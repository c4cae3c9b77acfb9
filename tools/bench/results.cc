#include "tools/bench/results.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace rawkv::bench {
namespace {

constexpr int kFormat = 1;
using Json = nlohmann::ordered_json;

Json SeriesToJson(const Series& series) {
  const Spread spread = SpreadOf(series.samples);
  return {{"id", series.Id()},
          {"workload", series.workload},
          {"value_bytes", series.value_bytes},
          {"dimension", series.dimension},
          {"depth", series.depth},
          {"metric", series.metric},
          {"unit", series.unit},
          {"better", series.better == Better::kHigher ? "higher" : "lower"},
          {"peer", series.peer},
          {"median", spread.median},
          {"min", spread.min},
          {"max", spread.max},
          {"samples", series.samples}};
}

Series SeriesFromJson(const Json& json) {
  Series out;
  json.at("workload").get_to(out.workload);
  json.at("value_bytes").get_to(out.value_bytes);
  json.at("dimension").get_to(out.dimension);
  json.at("depth").get_to(out.depth);
  json.at("metric").get_to(out.metric);
  json.at("unit").get_to(out.unit);
  out.better = json.at("better") == "higher" ? Better::kHigher : Better::kLower;
  json.at("peer").get_to(out.peer);
  json.at("samples").get_to(out.samples);
  return out;
}

Json PairsToJson(const std::vector<std::pair<std::string, std::string>>& pairs) {
  Json out = Json::object();
  for (const auto& [name, value] : pairs) out[name] = value;
  return out;
}

std::vector<std::pair<std::string, std::string>> PairsFromJson(const Json& json) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& [name, value] : json.items()) out.emplace_back(name, value.get<std::string>());
  return out;
}

}  // namespace

std::string SizeName(uint64_t bytes) {
  if (bytes >= 1 << 20 && bytes % (1 << 20) == 0) return fmt::format("{}MiB", bytes >> 20);
  if (bytes >= 1 << 10 && bytes % (1 << 10) == 0) return fmt::format("{}KiB", bytes >> 10);
  return fmt::format("{}B", bytes);
}

std::string Series::Id() const {
  return fmt::format("{}/{}/{}={}/{}", workload, SizeName(value_bytes), dimension, depth, metric);
}

double Spread::deviation() const {
  return median == 0 ? 0 : std::max(max - median, median - min) / std::abs(median);
}

Spread SpreadOf(std::vector<double> samples) {
  if (samples.empty()) return {};
  std::sort(samples.begin(), samples.end());
  const size_t half = samples.size() / 2;
  const double median = samples.size() % 2 == 1 ? samples[half] : (samples[half - 1] + samples[half]) / 2;
  return {median, samples.front(), samples.back()};
}

std::string ToJson(const Results& results) {
  Json peers = Json::array(), series = Json::array(), missing = Json::array();
  for (const PeerFacts& peer : results.peers) {
    peers.push_back({{"name", peer.name}, {"version", peer.version}, {"configuration", peer.configuration}});
  }
  for (const Series& each : results.series) series.push_back(SeriesToJson(each));
  for (const Missing& each : results.missing) {
    missing.push_back({{"workload", each.workload}, {"peer", each.peer}, {"reason", each.reason}});
  }
  const Json document = {{"format", kFormat},
                         {"machine", PairsToJson(results.machine.facts)},
                         {"settings", PairsToJson(results.settings)},
                         {"peers", peers},
                         {"results", series},
                         {"missing", missing}};
  return document.dump(2) + "\n";
}

Result<Results> FromJson(std::string_view text) {
  try {
    const Json document = Json::parse(text);
    if (document.at("format").get<int>() > kFormat) {
      return Status::InvalidArgument("the results are of a newer rawkv-bench");
    }
    Results out;
    out.machine.facts = PairsFromJson(document.at("machine"));
    out.settings = PairsFromJson(document.at("settings"));
    for (const Json& peer : document.at("peers")) {
      out.peers.push_back({peer.at("name"), peer.at("version"), peer.at("configuration")});
    }
    for (const Json& series : document.at("results")) out.series.push_back(SeriesFromJson(series));
    for (const Json& each : document.at("missing")) {
      out.missing.push_back({each.at("workload"), each.at("peer"), each.at("reason")});
    }
    return out;
  } catch (const nlohmann::json::exception& error) {
    return Status::InvalidArgument(std::string("not the results of rawkv-bench: ") + error.what());
  }
}

}  // namespace rawkv::bench
