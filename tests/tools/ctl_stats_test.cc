#include <csignal>
#include <map>
#include <memory>
#include <regex>
#include <set>
#include <sstream>

#include "tests/tools/ctl_fixture.h"

// stats.
namespace rawkv::ctl {
namespace {

class CtlStats : public CtlTest {
 protected:
  void SetUp() override {
    Format({"--meta_total_bytes=128KiB"});
    Commit(3);
  }
};

// One metric of the text exposition format.
struct Metric {
  std::string help, type, labels, value;
};

// Strict: each metric has a HELP line, a TYPE line and a sample, in this order and next to each other.
std::map<std::string, Metric> ParsePrometheus(const std::string& text) {
  static const std::regex help_line("# HELP ([a-z_:][a-z0-9_:]*) (.+)");
  static const std::regex type_line("# TYPE ([a-z_:][a-z0-9_:]*) (counter|gauge)");
  static const std::regex sample_line(R"(([a-z_:][a-z0-9_:]*)\{([a-z_]+="[^"\\]*")\} (\d+))");
  std::map<std::string, Metric> metrics;
  EXPECT_TRUE(text.ends_with("\n"));
  std::istringstream lines(text);
  for (std::string help, type, sample; std::getline(lines, help);) {
    std::smatch helped, typed, sampled;
    if (!std::getline(lines, type) || !std::getline(lines, sample) ||
        !std::regex_match(help, helped, help_line) || !std::regex_match(type, typed, type_line) ||
        !std::regex_match(sample, sampled, sample_line) || helped[1] != typed[1] || helped[1] != sampled[1]) {
      ADD_FAILURE() << "not a metric: " << help << " / " << type << " / " << sample;
      return metrics;
    }
    const bool added =
        metrics
            .insert({helped[1].str(), {helped[2].str(), typed[2].str(), sampled[2].str(), sampled[3].str()}})
            .second;
    EXPECT_TRUE(added) << helped[1] << " occurs twice";
  }
  return metrics;
}

TEST_F(CtlStats, PrometheusTextHasEverySizeOfTheStore) {
  const std::map<std::string, Metric> metrics = ParsePrometheus(Ok({"stats", "--prometheus"}));
  const Json sizes = OkJson({"stats"})["store"];
  EXPECT_EQ(metrics.size(), sizes.size() + 1) << "and writer_up";
  EXPECT_EQ(metrics.at("rawkv_writer_up").value, "0");
  const std::string label = "store=\"" + OkJson({"info"})["store_uuid"].get<std::string>() + "\"";
  for (const auto& [name, value] : sizes.items()) {
    const auto metric = metrics.find("rawkv_" + name);
    ASSERT_NE(metric, metrics.end()) << name;
    EXPECT_EQ(metric->second.value, value.dump()) << name;
    EXPECT_EQ(metric->second.type, "gauge") << name;
    EXPECT_EQ(metric->second.labels, label) << name;
    EXPECT_TRUE(metric->second.help.ends_with(".")) << name;
  }
  EXPECT_TRUE(EndedWith(Run({"stats", "--prometheus", "--json"}), 2, "--prometheus stands alone"));
  EXPECT_TRUE(EndedWith(Run({"stats", "--prometheus", "--watch"}), 2, "--prometheus stands alone"));
}

// A process that has the store open for writing and has made version 4.
class CtlStatsOfAWriter : public CtlStats {
 protected:
  void SetUp() override {
    CtlStats::SetUp();
    writer_ = std::make_unique<CtlConversation>(Args{"apply", "-", "--store=" + store()},
                                                CtlConversation::Input::kPipe);
    writer_->Write("{}\n");
    EXPECT_EQ(writer_->ReadLine(), "4");
    while (Metrics()["rawkv_writer_version"].value != "4") {  // it reports once a second
    }
  }
  void TearDown() override {
    writer_->CloseInput();
    EXPECT_EQ(writer_->Wait(), 0);
    CtlStats::TearDown();
  }
  std::map<std::string, Metric> Metrics() { return ParsePrometheus(Ok({"stats", "--prometheus"})); }

  std::unique_ptr<CtlConversation> writer_;
};

TEST_F(CtlStatsOfAWriter, PrometheusTextHasTheCountersOfTheWriter) {
  std::map<std::string, Metric> metrics = Metrics();
  const Json since_open = OkJson({"stats"})["since_open"];
  for (const auto& [name, value] : since_open.items()) {
    const bool rate = name == "replay_bytes_per_second";
    const auto metric = metrics.find("rawkv_writer_" + name + (rate ? "" : "_total"));
    ASSERT_NE(metric, metrics.end()) << name;
    EXPECT_EQ(metric->second.type, rate ? "gauge" : "counter") << name;
    EXPECT_TRUE(metric->second.help.ends_with(".")) << name;
  }
  const std::map<std::string, std::string> expected = {{"writer_up", "1"},
                                                       {"writer_open", "1"},
                                                       {"writer_healthy", "1"},
                                                       {"writer_durable_version", "4"},
                                                       {"writer_commits_total", "1"},
                                                       {"writer_groups_total", "1"},
                                                       {"writer_replay_under_way", "0"},
                                                       {"writer_versions_given_up_total", "0"},
                                                       {"given_up_versions", "0"}};
  for (const auto& [name, value] : expected) EXPECT_EQ(metrics["rawkv_" + name].value, value) << name;
  EXPECT_EQ(metrics["rawkv_writer_free_bytes"].value, metrics["rawkv_free_bytes"].value);
  EXPECT_GE(std::stoull(metrics["rawkv_writer_reported_seconds"].value),
            std::stoull(metrics["rawkv_writer_opened_seconds"].value));
}

// docs/operating.md has a table of the metrics.
TEST_F(CtlStatsOfAWriter, EveryMetricStandsInTheDocumentationAndNoOther) {
  std::set<std::string> documented, printed;
  std::istringstream page(ReadFile(std::string(RAWKV_SOURCE_DIR) + "/docs/operating.md"));
  static const std::regex row("\\| `(rawkv_[a-z_]+)` \\| (gauge|counter) \\|.*");
  for (std::string line; std::getline(page, line);) {
    std::smatch found;
    if (!std::regex_match(line, found, row)) continue;
    EXPECT_TRUE(documented.insert(found[1].str() + " " + found[2].str()).second) << line;
  }
  for (const auto& [name, metric] : Metrics()) printed.insert(name + " " + metric.type);
  EXPECT_EQ(documented, printed);
}

TEST_F(CtlStats, WatchShowsLaterVersionsAndEndsWith0AtAnInterrupt) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    CtlConversation watch({"stats", "--watch", "--json", "--store=" + store()},
                          CtlConversation::Input::kPipe);
    const Json first = Json::parse(watch.ReadLine());
    EXPECT_EQ(Fields(first), (Args{"store", "since_open"}));
    const uint64_t version = first["store"]["version"];
    Ok({"put", "k", "v"});  // needs the lock, which a watch does not hold
    while (Json::parse(watch.ReadLine())["store"]["version"] != version + 1) {
    }
    watch.Signal(signal);
    watch.ReadOutputToEnd();
    EXPECT_EQ(watch.Wait(), 0);
  }
}

TEST_F(CtlStats, WatchPrintsAHeaderAndLines) {
  CtlConversation watch({"stats", "--watch=1", "--store=" + store()}, CtlConversation::Input::kPipe);
  EXPECT_TRUE(watch.ReadLine().starts_with("time  "));
  const std::regex line(
      R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ +3 +(-|0\.0) +12 KiB +0 B +\S+ MiB +\d+ +\S+ \w+)");
  for (int i = 0; i < 2; ++i) {
    const std::string shown = watch.ReadLine();
    EXPECT_TRUE(std::regex_match(shown, line)) << shown;
  }
  watch.CloseOutput();
  EXPECT_EQ(watch.Wait(), -1) << "SIGPIPE ends it";
}

TEST_F(CtlStats, TopPrintsARowAnIntervalWithoutATerminal) {
  const std::string out = Ok({"top", "--count=2"});
  const std::regex rows("time  .*health\n(.* +3 +(-|0\\.0) .* MiB  ok\n){2}");
  EXPECT_TRUE(std::regex_match(out, rows)) << out;
  const Json row = OkJson({"top", "--count=1"});
  EXPECT_EQ(Fields(row), (Args{"unix_ms", "health", "writer_pid", "version", "durable_version",
                               "versions_per_second", "live_bytes", "pinned_bytes", "free_bytes", "snapshots",
                               "log_bytes", "log_bytes_per_second", "activities"}));
  EXPECT_EQ(row["health"], "ok");
  EXPECT_EQ(row["writer_pid"], nullptr);
  EXPECT_EQ(row["version"], 3);
  EXPECT_EQ(row["versions_per_second"], nullptr) << "there is nothing to compare the first row with";
  const Json store_figures = OkJson({"stats"})["store"];
  for (const char* name : {"live_bytes", "free_bytes", "snapshots", "log_bytes"}) {
    EXPECT_EQ(row[name], store_figures[name]) << name;
  }
  EXPECT_TRUE(EndedWith(Run({"top", "--interval=0"}), 2, "--interval: 0 is not between 1 and 86400"));
}

TEST_F(CtlStats, TopRefreshesAScreenAlongsideAWriter) {
  CtlConversation writer({"apply", "-", "--store=" + store()}, CtlConversation::Input::kPipe);
  writer.Write("{}\n");
  EXPECT_EQ(writer.ReadLine(), "4");
  CtlConversation top({"top", "--store=" + store()}, CtlConversation::Input::kWholeTerminal);
  const std::string first = top.ReadTerminalUntil("under way");
  EXPECT_NE(first.find("health      ok"), std::string::npos) << first;
  EXPECT_NE(first.find("version     4"), std::string::npos) << first;
  EXPECT_NE(first.find("writer      process "), std::string::npos) << first;
  writer.Write("{}\n");
  EXPECT_EQ(writer.ReadLine(), "5");
  top.ReadTerminalUntil("version     5");
  const std::string rest = top.ReadTerminalUntil("under way");
  EXPECT_NE(rest.find("versions/s"), std::string::npos) << rest;
  top.Signal(SIGINT);
  EXPECT_EQ(top.Wait(), 0);
  writer.CloseInput();
  EXPECT_EQ(writer.Wait(), 0);
}

TEST_F(CtlStats, WatchRefusesBadIntervalsWith2) {
  EXPECT_TRUE(EndedWith(Run({"stats", "--watch=0"}), 2, "--watch: 0 is not between 1 and 86400"));
  EXPECT_TRUE(EndedWith(Run({"stats", "--watch=soon"}), 2, "--watch: 'soon' is not a number"));
  EXPECT_TRUE(EndedWith(Run({"stats", "--watch", "5"}), 2, "one argument too many")) << "only --watch=5";
}

}  // namespace
}  // namespace rawkv::ctl
