#include "tools/bench/commands.h"

#include <fmt/format.h>

#include <cstdio>

#include "base/fs_ops.h"
#include "tools/bench/child.h"
#include "tools/bench/command_pages.h"
#include "tools/bench/compare.h"
#include "tools/bench/fio.h"
#include "tools/bench/report.h"
#include "tools/bench/runner.h"
#include "tools/bench/workload.h"

namespace rawkv::bench {
namespace {

constexpr uint64_t kResultBytesMax = 64ull << 20;

Status WriteText(const std::string& path, const std::string& text) {
  return WriteFileAtomic(PosixFs(), path, AsBytes(text));
}

Result<ctl::ExitStatus> RunAndReport(const Options& options) {
  RAWKV_ASSIGN_OR_RETURN(const RunOptions run, RunOptionsOf(options));
  if (!run.device.empty() && !options.yes) {
    return Status::FailedPrecondition("all content of " + run.device + " would be lost; give --yes");
  }
  const auto begin = Clock::now();
  const auto show = [begin](const std::string& what) {
    fmt::print(stderr, "{:6.0f} s  {}\n", std::chrono::duration<double>(Clock::now() - begin).count(), what);
  };
  RAWKV_ASSIGN_OR_RETURN(const Results results, Run(run, show));
  const std::string json = ToJson(results);
  if (options.out) RAWKV_RETURN_IF_ERROR(WriteText(*options.out, json));
  if (options.report) RAWKV_RETURN_IF_ERROR(WriteReport(*options.report, results));
  fmt::print("{}", options.json ? json : ToTables(results));
  return ctl::ExitStatus::kDone;
}

Result<ctl::ExitStatus> List() {
  fmt::print("Workloads:\n\n");
  for (const Workload& workload : Workloads()) fmt::print("{:21} {}\n", workload.name, workload.what);
  fmt::print("\nPeers:\n\n");
  for (const PeerKind& peer : PeerKinds()) fmt::print("{:8} {}\n", peer.name, peer.version);
  const Result<Fio> fio = Fio::Find();
  fmt::print("{:8} {}\n", "fio", fio.ok() ? fio->version() : fio.status().message());
  return ctl::ExitStatus::kDone;
}

Result<Results> ReadResults(const std::string& path) {
  RAWKV_ASSIGN_OR_RETURN(const std::string text, ReadFile(PosixFs(), path, kResultBytesMax));
  Result<Results> results = FromJson(text);
  if (!results.ok()) return results.status().WithContext(path);
  return results;
}

Result<ctl::ExitStatus> CompareFiles(const std::string& before, const std::string& after) {
  RAWKV_ASSIGN_OR_RETURN(const Results a, ReadResults(before));
  RAWKV_ASSIGN_OR_RETURN(const Results b, ReadResults(after));
  const Comparison comparison = Compare(a, b);
  fmt::print("{}", comparison.text);
  return comparison.worse > 0 ? ctl::ExitStatus::kNo : ctl::ExitStatus::kDone;
}

}  // namespace

Result<ctl::ExitStatus> RunCommand(const Options& options) {
  const std::vector<std::string>& words = options.words;
  if (words == std::vector<std::string>{"run"}) return RunAndReport(options);
  if (words == std::vector<std::string>{"list"}) return List();
  if (words == std::vector<std::string>{"help"}) {
    fmt::print("{}", options.man ? ManPage() : Usage());
    return ctl::ExitStatus::kDone;
  }
  if (words.size() == 2 && words[0] == "completion") {
    RAWKV_ASSIGN_OR_RETURN(const std::string script, Completion(words[1]));
    fmt::print("{}", script);
    return ctl::ExitStatus::kDone;
  }
  if (words.size() == 3 && words[0] == "report") {
    RAWKV_ASSIGN_OR_RETURN(const Results results, ReadResults(words[1]));
    RAWKV_RETURN_IF_ERROR(WriteReport(words[2], results));
    return ctl::ExitStatus::kDone;
  }
  if (words.size() == 3 && words[0] == "compare") return CompareFiles(words[1], words[2]);
  if (!words.empty() && words[0] == "child") {
    RAWKV_RETURN_IF_ERROR(RunAsChild({words.begin() + 1, words.end()}));
    return ctl::ExitStatus::kDone;
  }
  return Status::InvalidArgument("give one of the commands run, compare, report, list and help; see --help");
}

}  // namespace rawkv::bench
