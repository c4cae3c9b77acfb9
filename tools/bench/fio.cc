#include "tools/bench/fio.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tools/cli/child_process.h"
#include "tools/cli/text_format.h"

namespace rawkv::bench {
namespace {

constexpr uint64_t kBlockMin = 4096;

// The standard output of a program that ends with status 0.
Result<std::string> OutputOf(const std::string& path, const std::vector<std::string>& arguments) {
  RAWKV_ASSIGN_OR_RETURN(const UniqueFd out, ctl::MakeMemoryFile());
  RAWKV_ASSIGN_OR_RETURN(const UniqueFd err, ctl::MakeMemoryFile());
  RAWKV_ASSIGN_OR_RETURN(const pid_t pid, ctl::StartChild({.path = path,
                                                           .arguments = arguments,
                                                           .descriptors = {{out.get(), 1}, {err.get(), 2}}}));
  const int status = ctl::WaitForChild(pid);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return ctl::ReadMemoryFile(out);
  return Status::IoError(fmt::format("{} {} failed: {}", path, fmt::join(arguments, " "),
                                     ctl::OneLine(ctl::ReadMemoryFile(err))));
}

std::optional<std::string> FindProgram(const std::string& name) {
  const char* const path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    std::string program = folder + "/" + name;
    if (access(program.c_str(), X_OK) == 0) return program;
  }
  return std::nullopt;
}

std::vector<std::string> ArgumentsFor(const Case& which, const FioArea& area, uint64_t seed) {
  const FioPattern& pattern = *which.workload->fio;
  const bool reads = pattern.rw.find("read") != std::string_view::npos;
  const uint64_t values = pattern.values * which.value_bytes / kBlockMin * kBlockMin;
  const uint64_t block = pattern.block_bytes != 0 ? pattern.block_bytes : std::max(kBlockMin, values);
  const uint64_t jobs = pattern.depth_is_jobs ? which.depth : 1;
  std::vector<std::string> arguments = {
      "--name=ceiling",
      "--output-format=json",
      "--ioengine=io_uring",
      "--direct=1",
      "--norandommap",
      "--time_based",
      "--group_reporting",
      fmt::format("--filename={}", reads ? area.read_path : area.write_path),
      fmt::format("--offset={}", reads ? area.read_offset : 0),
      fmt::format("--size={}", area.bytes),
      fmt::format("--rw={}", pattern.rw),
      fmt::format("--bs={}", block),
      fmt::format("--iodepth={}", which.depth / jobs),
      fmt::format("--numjobs={}", jobs),
      fmt::format("--randseed={}", seed),
      fmt::format("--runtime={}ms",
                  std::chrono::duration_cast<std::chrono::milliseconds>(which.slice).count()),
  };
  if (reads) arguments.emplace_back("--readonly");
  if (pattern.sync) arguments.emplace_back("--fdatasync=1");
  return arguments;
}

}  // namespace

Result<Fio> Fio::Find() {
  const std::optional<std::string> path = FindProgram("fio");
  if (!path) return Status::NotSupported("the program fio is not installed (package fio)");
  RAWKV_ASSIGN_OR_RETURN(std::string version, OutputOf(*path, {"--version"}));
  while (!version.empty() && version.back() == '\n') version.pop_back();
  return Fio(*path, std::move(version));
}

Status Fio::Run(const Case& which, const FioArea& area, uint64_t seed, Sample* sample) const {
  RAWKV_ASSIGN_OR_RETURN(const std::string output, OutputOf(path_, ArgumentsFor(which, area, seed)));
  const FioPattern& pattern = *which.workload->fio;
  const bool reads = pattern.rw.find("read") != std::string_view::npos;
  try {
    const auto report = nlohmann::json::parse(output.substr(output.find('{')));
    const auto& work = report.at("jobs").at(0).at(reads ? "read" : "write");
    if (work.at("total_ios").get<uint64_t>() == 0) return Status::IoError("fio has made no request");
    (*sample)["throughput"] = work.at("iops").get<double>();
    (*sample)["rate"] = work.at("bw_bytes").get<double>() / (1 << 20);
    if (!pattern.latency) return Status::Ok();
    const auto& percentiles = work.at("clat_ns").at("percentile");
    (*sample)["p50"] = percentiles.at("50.000000").get<double>() / 1e3;
    (*sample)["p99"] = percentiles.at("99.000000").get<double>() / 1e3;
    return Status::Ok();
  } catch (const nlohmann::json::exception& error) {
    return Status::IoError(std::string("fio gave an unexpected report: ") + error.what());
  }
}

}  // namespace rawkv::bench
