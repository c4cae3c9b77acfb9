// Runs the built rawkv-bench as a user does, with tiny sizes.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/support/temp_dir.h"
#include "tests/tools/ctl_process.h"
#include "tools/bench/results.h"
#include "tools/bench/workload.h"

namespace rawkv::bench {
namespace {

namespace stdfs = std::filesystem;

class BenchProgramTest : public testing::Test {
 protected:
  BenchProgramTest() { stdfs::create_directory(dir()); }

  std::string dir() const { return scratch_.File("here"); }

  ctl::CtlResult Bench(const std::vector<std::string>& arguments) { return ctl::RunCtl(arguments); }

  // A run with one sample of each case, which takes as little time as possible.
  std::vector<std::string> TinyRun(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = {"run",         "--dir=" + dir(),  "--quick",
                                          "--repeats=1", "--slice_ms=5",    "--data_bytes=256KiB",
                                          "--json",      "--sizes=100,4KiB"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  Results ResultsOf(const ctl::CtlResult& run) {
    EXPECT_EQ(run.status, 0) << run.err;
    const Result<Results> results = FromJson(run.out);
    EXPECT_TRUE(results.ok()) << results.status().ToString();
    EXPECT_TRUE(stdfs::is_empty(dir())) << "the run leaves files";
    return results.ok() ? *results : Results();
  }

  const TempDir scratch_;
};

bool HasMissing(const Results& results, std::string_view workload, const std::string& peer) {
  return std::any_of(results.missing.begin(), results.missing.end(), [&](const Missing& missing) {
    return missing.peer == peer && (missing.workload.empty() || missing.workload == workload);
  });
}

// Each workload has every figure of every peer, or the reason why it has none.
TEST_F(BenchProgramTest, EveryWorkloadHasAFigureOrAReasonForEachPeer) {
  const Results results = ResultsOf(Bench(TinyRun({})));
  std::set<std::string> found;
  for (const Series& series : results.series) {
    ASSERT_EQ(series.samples.size(), 1u) << series.Id();
    // A filesystem in memory does not count what is written to it, and a store may allocate nothing when it
    // is opened.
    if (series.metric != "write-amplification" && series.workload != "memory") {
      EXPECT_GT(series.samples[0], 0) << series.Id() << " of " << series.peer;
    }
    found.insert(series.workload + " " + series.metric + " of " + series.peer);
  }
  for (const Workload& workload : Workloads()) {
    for (const std::string peer : {"rawkv", "rocksdb", "blobdb", "lmdb", "fio"}) {
      if (HasMissing(results, workload.name, peer)) continue;
      for (const Metric& metric : workload.metrics) {
        const bool figure_of_requests = metric.name == "throughput" || metric.name == "rate";
        if (peer == "fio" && !workload.fio->latency && !figure_of_requests) continue;
        EXPECT_TRUE(
            found.contains(std::string(workload.name) + " " + std::string(metric.name) + " of " + peer))
            << workload.name << ": " << metric.name << " of " << peer;
      }
    }
    EXPECT_FALSE(HasMissing(results, workload.name, "rawkv")) << workload.name;
  }
}

TEST_F(BenchProgramTest, MissingFioIsNamedWithItsReason) {
  const std::string path = getenv("PATH");
  setenv("PATH", dir().c_str(), 1);
  const Results results = ResultsOf(Bench(TinyRun({"--workloads=read-random", "--peers=rawkv,fio"})));
  setenv("PATH", path.c_str(), 1);
  ASSERT_EQ(results.missing.size(), 1u);
  EXPECT_EQ(results.missing[0].peer, "fio");
  EXPECT_EQ(results.missing[0].reason, "the program fio is not installed (package fio)");
  EXPECT_EQ(results.peers.size(), 1u);
}

TEST_F(BenchProgramTest, EnginesOfRawkvArePeersOfTheirOwn) {
  const Results results = ResultsOf(Bench(TinyRun({"--workloads=read-random", "--peers=rawkv,rawkv:posix"})));
  std::set<std::string> peers;
  for (const Series& series : results.series) peers.insert(series.peer);
  EXPECT_EQ(peers, (std::set<std::string>{"rawkv", "rawkv:posix"}));
}

TEST_F(BenchProgramTest, ReportHasAPlotForEachWorkloadAndItsResults) {
  const std::string report = scratch_.File("report");
  (void)ResultsOf(
      Bench(TinyRun({"--workloads=read-random,rollback", "--peers=rawkv", "--report=" + report})));
  std::ifstream file(report + ".md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  for (const char* plot : {"read-random", "rollback", "rollback-100B"}) {
    EXPECT_NE(text.find("(report/" + std::string(plot) + ".svg)"), std::string::npos) << text;
    EXPECT_GT(stdfs::file_size(report + "/" + plot + ".svg"), 500u);
  }
  // The results make the same report again.
  std::filesystem::create_directory(scratch_.File("again"));
  EXPECT_EQ(Bench({"report", report + "/results.json", scratch_.File("again/report")}).status, 0);
  std::ifstream again(scratch_.File("again/report.md"));
  std::string again_text{std::istreambuf_iterator<char>(again), {}};
  EXPECT_EQ(again_text.size(), text.size() + std::string("again/").size());
  // A comparison of a run with itself finds no difference.
  const std::string json = report + "/results.json";
  const ctl::CtlResult compared = Bench({"compare", json, json});
  EXPECT_EQ(compared.status, 0) << compared.err;
  EXPECT_NE(compared.out.find("0 figures are better in B, 0 are worse"), std::string::npos) << compared.out;
}

TEST_F(BenchProgramTest, WrongNamesAndValuesEndWith2) {
  for (const char* wrong :
       {"--workloads=read", "--sizes=17MiB", "--sizes=0", "--peers=mysql", "--peers=lmdb:posix",
        "--peers=rawkv,rawkv", "--repeats=0", "--slice_ms=0", "--what", "here"}) {
    const ctl::CtlResult run = Bench(TinyRun({wrong}));
    EXPECT_EQ(run.status, 2) << wrong << ": " << run.out << run.err;
    EXPECT_TRUE(stdfs::is_empty(dir())) << wrong;
  }
  EXPECT_EQ(Bench({"run"}).status, 2);
  EXPECT_EQ(Bench({}).status, 2);
  EXPECT_EQ(Bench({"--help"}).status, 0);
  EXPECT_EQ(Bench({"list"}).status, 0);
}

TEST_F(BenchProgramTest, WorkloadWithoutASelectedSizeIsNamed) {
  const Results results = ResultsOf(
      Bench({"run", "--dir=" + dir(), "--quick", "--repeats=1", "--slice_ms=5", "--data_bytes=256KiB",
             "--json", "--sizes=4KiB", "--peers=rawkv", "--workloads=read-random,replay"}));
  const Missing expected{"replay", "every peer", "it has none of the selected sizes"};
  EXPECT_EQ(results.missing, std::vector{expected});
}

TEST_F(BenchProgramTest, InterruptedRunRemovesItsFiles) {
  ctl::CtlConversation run({"run", "--dir=" + dir(), "--quick", "--peers=rawkv", "--workloads=read-hot"},
                           ctl::CtlConversation::Input::kTerminal);
  (void)run.ReadTerminalUntil("read-hot");
  run.Signal(SIGINT);
  EXPECT_EQ(run.Wait(), 130);
  EXPECT_TRUE(stdfs::is_empty(dir()));
}

TEST_F(BenchProgramTest, DeviceNeedsConfirmation) {
  const ctl::CtlResult run = Bench(TinyRun({"--device=" + scratch_.File("device")}));
  EXPECT_EQ(run.status, 3) << run.err;
  EXPECT_NE(run.err.find("give --yes"), std::string::npos) << run.err;
}

TEST_F(BenchProgramTest, ValuesOfRawkvLieOnTheDevice) {
  const std::string device = scratch_.File("device");
  const Results results = ResultsOf(
      Bench(TinyRun({"--workloads=read-random,memory", "--peers=rawkv,fio", "--device=" + device, "--yes"})));
  EXPECT_FALSE(results.series.empty());
  EXPECT_GT(stdfs::file_size(device), 0u);
  EXPECT_EQ(Bench(TinyRun({"--device=" + device, "--yes", "--peers=rawkv,rawkv:posix"})).status, 2);
}

// `help --man` and the completion scripts name every flag and workload.
TEST_F(BenchProgramTest, PagesNameEveryCommandAndWorkload) {
  const std::string man = Bench({"help", "--man"}).out;
  for (const Workload& workload : Workloads()) {
    std::string name(workload.name);
    for (size_t at = 0; (at = name.find('-', at)) != std::string::npos; at += 2) name.insert(at, "\\");
    EXPECT_NE(man.find(".B " + name + "\n"), std::string::npos) << name;
  }
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string script = Bench({"completion", shell}).out;
    for (const char* word : {"compare", "report", "read-random", "slice_ms", "blobdb"}) {
      EXPECT_NE(script.find(word), std::string::npos) << shell << ": " << word;
    }
  }
  EXPECT_EQ(Bench({"completion", "tcsh"}).status, 2);
}

TEST_F(BenchProgramTest, ComparisonWithAForeignFileEndsWith2) {
  std::ofstream(scratch_.File("a.json")) << "{}";
  EXPECT_EQ(Bench({"compare", scratch_.File("a.json"), scratch_.File("a.json")}).status, 2);
  EXPECT_EQ(Bench({"compare", scratch_.File("b.json"), scratch_.File("a.json")}).status, 3);
}

}  // namespace
}  // namespace rawkv::bench
