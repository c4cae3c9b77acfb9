#include "tools/bench/runner.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "base/fs_ops.h"
#include "tools/bench/fio.h"
#include "tools/bench/fleet.h"
#include "tools/bench/workload.h"
#include "tools/cli/byte_size.h"
#include "tools/cli/interrupt.h"

namespace rawkv::bench {
namespace {

constexpr uint64_t kFioSeeds = 1ull << 31;

// Removes a directory at the end.
struct ScopedDir {
  std::string path;
  ~ScopedDir() { (void)RemoveTree(PosixFs(), path); }
};

Result<std::vector<const Workload*>> SelectWorkloads(const RunOptions& options) {
  std::vector<const Workload*> selected;
  for (const Workload& workload : Workloads()) {
    const bool named = std::find(options.workloads.begin(), options.workloads.end(), workload.name) !=
                       options.workloads.end();
    if (options.workloads.empty() || named) selected.push_back(&workload);
  }
  for (const std::string& name : options.workloads) {
    const bool known = std::any_of(selected.begin(), selected.end(),
                                   [&](const Workload* workload) { return workload->name == name; });
    if (!known) {
      return Status::InvalidArgument("there is no workload '" + name + "'; rawkv-bench list shows them");
    }
  }
  return selected;
}

// The selected sizes that the workload has.
std::vector<uint64_t> SizesOf(const Workload& workload, const RunOptions& options) {
  const std::vector<uint64_t>& all =
      options.quick && options.sizes.empty() ? workload.quick_sizes : workload.sizes;
  if (options.sizes.empty()) return all;
  std::vector<uint64_t> sizes;
  for (const uint64_t size : options.sizes) {
    if (size >= all.front() && size <= all.back()) sizes.push_back(size);
  }
  return sizes;
}

class Runner {
 public:
  Runner(const RunOptions& options, const OnProgress& progress)
      : options_(options), progress_(progress), random_(options.seed) {}

  Result<Results> Run() {
    RAWKV_ASSIGN_OR_RETURN(workloads_, SelectWorkloads(options_));
    RAWKV_RETURN_IF_ERROR(FindPeers());
    const ScopedDir dir{JoinPath(options_.dir, "rawkv-bench-" + std::to_string(getpid()))};
    RAWKV_RETURN_IF_ERROR(PosixFs().MakeDir(dir.path));
    results_.machine = ReadMachine(dir.path);
    results_.settings = {
        {"run", options_.quick ? "quick" : "full"},
        {"samples of each case", std::to_string(options_.repeats)},
        {"milliseconds a sample", std::to_string(options_.slice.count())},
        {"bytes of values", std::to_string(options_.data_bytes) + " for each size, at most " +
                                std::to_string(options_.keys_max) + " keys"},
        {"cache memory", ctl::HumanBytes(PeerOptions().cache_bytes) + " a peer"},
        {"seed", std::to_string(options_.seed)}};
    RAWKV_ASSIGN_OR_RETURN(const std::vector<uint64_t> sizes, AllSizes());
    for (const uint64_t size : sizes)
      RAWKV_RETURN_IF_ERROR(RunSize(JoinPath(dir.path, SizeName(size)), size));
    OrderSeries();
    results_.machine.facts.emplace_back("load at the end", LoadAverage());
    return results_;
  }

 private:
  // Leaves the peers in `options_.peers` that can take part.
  Status FindPeers() {
    for (const std::string& name : options_.peers) {
      if (std::count(options_.peers.begin(), options_.peers.end(), name) > 1) {
        return Status::InvalidArgument("--peers names " + name + " more than once");
      }
    }
    std::erase_if(options_.peers, [&](const std::string& name) {
      if (name == "fio") {
        Result<Fio> fio = Fio::Find();
        if (!fio.ok()) {
          results_.missing.push_back({"", name, fio.status().message()});
          return true;
        }
        results_.peers.push_back({name, fio->version(), "io_uring, direct I/O; no store, only the requests"});
        fio_ = std::move(fio).value();
        return false;
      }
      const auto peer = ParsePeerName(name);
      if (!peer.ok()) {
        if (problem_.ok()) problem_ = peer.status();
        return true;
      }
      if (peer->kind->make == nullptr) {
        results_.missing.push_back({"", name, peer->kind->version});
        return true;
      }
      results_.peers.push_back({name, peer->kind->version, peer->kind->configuration});
      return false;
    });
    RAWKV_RETURN_IF_ERROR(problem_);
    const auto of_rawkv = [](const std::string& name) { return name.starts_with("rawkv"); };
    if (!options_.device.empty() &&
        std::count_if(options_.peers.begin(), options_.peers.end(), of_rawkv) > 1) {
      return Status::InvalidArgument("only one rawkv can use the device; name one engine in --peers");
    }
    return options_.peers.empty() ? Status::InvalidArgument("no peer can take part") : Status::Ok();
  }

  // The sizes of all selected workloads.
  Result<std::vector<uint64_t>> AllSizes() {
    std::vector<uint64_t> sizes;
    for (const Workload* workload : workloads_) {
      const std::vector<uint64_t> own = SizesOf(*workload, options_);
      sizes.insert(sizes.end(), own.begin(), own.end());
      if (own.empty()) {
        AddMissing({std::string(workload->name), "every peer", "it has none of the selected sizes"});
      }
    }
    if (sizes.empty()) return Status::InvalidArgument("no selected workload has one of the selected sizes");
    std::sort(sizes.begin(), sizes.end());
    sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
    return sizes;
  }

  Status RunSize(const std::string& dir, uint64_t size) {
    progress_("loading values of " + SizeName(size));
    RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<Fleet> fleet, Fleet::Make(options_, dir, size, random_));
    for (const Workload* workload : workloads_) {
      const std::vector<uint64_t> sizes = SizesOf(*workload, options_);
      if (std::find(sizes.begin(), sizes.end(), size) == sizes.end()) continue;
      for (const uint64_t depth : options_.quick ? workload->quick_depths : workload->depths) {
        RAWKV_RETURN_IF_ERROR(RunCase({.workload = workload,
                                       .value_bytes = size,
                                       .depth = depth,
                                       .slice = options_.slice,
                                       .quick = options_.quick},
                                      *fleet));
      }
    }
    return Status::Ok();
  }

  Status RunCase(const Case& which, Fleet& fleet) {
    progress_(fmt::format("{}, values of {}, {} {}", which.workload->name, SizeName(which.value_bytes),
                          which.workload->dimension, which.depth));
    std::vector<std::string> turns = options_.peers;
    for (uint64_t repeat = 0; repeat < options_.repeats; ++repeat) {
      std::shuffle(turns.begin(), turns.end(), random_);
      for (const std::string& peer : std::vector(turns)) {
        if (ctl::InterruptPending()) return Status::FailedPrecondition("interrupted");
        Sample sample;
        const Status status = peer == "fio" ? TakeFioSample(which, fleet, &sample)
                                            : TakePeerSample(which, fleet, peer, &sample);
        if (status.code() == StatusCode::kNotSupported) {
          AddMissing({std::string(which.workload->name), peer, status.message()});
          std::erase(turns, peer);
          continue;
        }
        RAWKV_RETURN_IF_ERROR(status.WithContext(
            fmt::format("{}: {}, values of {}", peer, which.workload->name, SizeName(which.value_bytes))));
        Keep(which, peer, sample);
      }
    }
    return Status::Ok();
  }

  Status TakePeerSample(const Case& which, Fleet& fleet, const std::string& name, Sample* sample) {
    const auto found = std::find_if(fleet.subjects().begin(), fleet.subjects().end(),
                                    [&](const auto& subject) { return subject->name == name; });
    Subject& subject = **found;
    RAWKV_RETURN_IF_ERROR(subject.peer->Resume());
    const Status status = which.workload->run(which, subject, random_, sample);
    const Status rested = subject.peer->Rest();
    return status.ok() ? rested : status;
  }

  Status TakeFioSample(const Case& which, Fleet& fleet, Sample* sample) {
    if (!which.workload->fio) return Status::NotSupported(std::string(which.workload->without_fio));
    RAWKV_ASSIGN_OR_RETURN(const FioArea area, fleet.Area());
    return fio_->Run(which, area, random_() % kFioSeeds, sample);
  }

  void Keep(const Case& which, const std::string& peer, const Sample& sample) {
    for (const Metric& metric : which.workload->metrics) {
      const auto figure = sample.find(metric.name);
      if (figure == sample.end()) continue;
      const Series key{.workload = std::string(which.workload->name),
                       .value_bytes = which.value_bytes,
                       .dimension = std::string(which.workload->dimension),
                       .depth = which.depth,
                       .metric = std::string(metric.name),
                       .unit = std::string(metric.unit),
                       .better = metric.better,
                       .peer = peer};
      auto series = std::find_if(results_.series.begin(), results_.series.end(), [&](const Series& each) {
        return each.peer == peer && each.Id() == key.Id();
      });
      if (series == results_.series.end()) series = results_.series.insert(series, key);
      series->samples.push_back(figure->second);
    }
  }

  void AddMissing(const Missing& missing) {
    auto& all = results_.missing;
    if (std::find(all.begin(), all.end(), missing) == all.end()) all.push_back(missing);
  }

  // The sizes ran one after the other; the results are by workload, then size, depth and metric.
  void OrderSeries() {
    const auto rank = [](const Series& series) {
      const auto workload = std::find_if(Workloads().begin(), Workloads().end(),
                                         [&](const Workload& each) { return each.name == series.workload; });
      const auto metric = std::find_if(workload->metrics.begin(), workload->metrics.end(),
                                       [&](const Metric& each) { return each.name == series.metric; });
      return std::tuple(workload - Workloads().begin(), series.value_bytes, series.depth,
                        metric - workload->metrics.begin());
    };
    std::stable_sort(results_.series.begin(), results_.series.end(),
                     [&](const Series& a, const Series& b) { return rank(a) < rank(b); });
  }

  RunOptions options_;
  const OnProgress& progress_;
  Random random_;
  std::vector<const Workload*> workloads_;
  std::optional<Fio> fio_;
  Status problem_;
  Results results_;
};

}  // namespace

Result<Results> Run(const RunOptions& options, const OnProgress& progress) {
  return Runner(options, progress).Run();
}

}  // namespace rawkv::bench
