// The long run of crash states (docs/testing.md, "Crash states"): cuts the power at every I/O of many
// histories and judges each crash state. Prints a line for each history, and at the end the counts. The exit
// status is 1 if a promise was broken.
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "tests/crash/sim_explorer.h"

namespace rawkv {
namespace {

constexpr char kUsage[] =
    R"(crash_explore [--name=value …]
what to run, one of
  --length=N          every history of N operations (default 2), each crashed within its last
  --histories         random histories of 12 operations
  --kills             kill the process within every history of N operations, then cut the power
  --tour              a selection of the above in several settings; tests/mutants/run uses it
how much
  --from=N --to=N     histories with these numbers (seeds of random ones), to split or resume a run
  --max=N             end after N judged states
  --random=N          N random crashes at each place, in addition to the ten extremes (8)
  --nest=N            crash the recovery of one state in N again (50; 0 = none)
  --violations=N      end after N violations (10)
settings
  --seed=N            seed of values, identities and choices (1)
  --unsynced          commits are answered before they are durable
  --interval=N        automatic snapshots
  --undo_versions=N   the undo window (128)
  --header_bytes=N    header of each extent
  --slots=N           slots of the device (48); with few slots, freed ones are reused soon
)";

struct Arguments {
  enum class What : uint8_t { kLength, kHistories, kKills, kTour } what = What::kLength;
  uint64_t length = 2;
  uint64_t from = 0;
  uint64_t to = UINT64_MAX;
  ExploreOptions explore{.random_plans = 8};
};

bool Parse(int argc, char** argv, Arguments* a) {
  for (int i = 1; i < argc; ++i) {
    const std::string text = argv[i];
    const size_t equals = text.find('=');
    const std::string name = text.substr(0, equals);
    const uint64_t value =
        equals == std::string::npos ? 0 : std::strtoull(text.c_str() + equals + 1, nullptr, 0);
    ExploreOptions& e = a->explore;
    if (name == "--length")
      a->length = value;
    else if (name == "--histories")
      a->what = Arguments::What::kHistories;
    else if (name == "--kills")
      a->what = Arguments::What::kKills;
    else if (name == "--tour")
      a->what = Arguments::What::kTour;
    else if (name == "--from")
      a->from = value;
    else if (name == "--to")
      a->to = value;
    else if (name == "--max")
      e.max_states = value;
    else if (name == "--random")
      e.random_plans = value;
    else if (name == "--nest")
      e.nest_one_in = value;
    else if (name == "--violations")
      e.max_violations = value;
    else if (name == "--seed")
      e.seed = value;
    else if (name == "--unsynced")
      e.config.durability = Durability::kUnsafeUnsynced;
    else if (name == "--interval")
      e.config.snapshot_interval = value;
    else if (name == "--undo_versions")
      e.config.undo_versions = value;
    else if (name == "--header_bytes")
      e.config.header_bytes = value;
    else if (name == "--slots")
      e.config.slots = value;
    else
      return false;
  }
  return a->length <= 4;
}

class Run {
 public:
  explicit Run(const ExploreOptions& options) : options_(options), explorer_(options) {}

  bool Done() const { return explorer_.Done(); }
  void ExploreAndPrint(const std::string& name, const std::function<void(SimExplorer&)>& explore) {
    if (Done()) return;
    const ExploreCounts before = explorer_.counts();
    explore(explorer_);
    const ExploreCounts& now = explorer_.counts();
    std::printf("%s: %llu places, %llu images, %llu states judged\n", name.c_str(),
                static_cast<unsigned long long>(now.places - before.places),
                static_cast<unsigned long long>(now.built - before.built),
                static_cast<unsigned long long>(now.judged - before.judged));
    for (; printed_ < explorer_.violations().size(); ++printed_) {
      const Violation& v = explorer_.violations()[printed_];
      std::printf("VIOLATION: %s\n%s\nlog of the engine:\n%s\ndisks after the crash:\n%s\n", v.what.c_str(),
                  v.history.c_str(), v.log.c_str(), v.image.c_str());
    }
    std::fflush(stdout);
  }
  // Prints the counts. Returns true if no promise was broken.
  bool PrintCounts() const {
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count();
    std::printf("%s, %zu violations\n", Report(explorer_.counts(), seconds, options_.seed).c_str(),
                explorer_.violations().size());
    return explorer_.violations().empty();
  }

 private:
  const ExploreOptions options_;
  SimExplorer explorer_;
  size_t printed_ = 0;
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

uint64_t CountOf(uint64_t length) {
  uint64_t count = 1;
  for (uint64_t i = 0; i < length; ++i) count *= kSimOps;
  return count;
}

void EveryHistory(Run& run, const Arguments& a) {
  for (uint64_t n = a.from; n < std::min(a.to, CountOf(a.length)) && !run.Done(); ++n) {
    const std::vector<SimOp> ops = SequenceOf(a.length, n);
    run.ExploreAndPrint(std::to_string(n) + " " + NameOf(ops), [&](SimExplorer& explorer) {
      if (a.what == Arguments::What::kKills) {
        explorer.ExploreKills(ops);
      } else {
        explorer.Explore(ops);
      }
    });
  }
}

// Explores a selection of histories that lead into every protocol, in several settings, the simplest first.
bool Tour(Arguments a) {
  using enum SimOp;
  a.explore.random_plans = 4;
  const auto everywhere = [](Run& run, const std::vector<SimOp>& ops) {
    run.ExploreAndPrint(NameOf(ops), [&](SimExplorer& explorer) { explorer.Explore(ops, true); });
  };
  const auto kills = [](Run& run, const std::vector<SimOp>& ops) {
    run.ExploreAndPrint("kills in " + NameOf(ops),
                        [&](SimExplorer& explorer) { explorer.ExploreKills(ops); });
  };
  const auto random = [&](Run& run, uint64_t count) {
    for (uint64_t seed = 0; seed < count; ++seed) {
      run.ExploreAndPrint("seed " + std::to_string(seed),
                          [&](SimExplorer& explorer) { explorer.ExploreRandom(seed, 12, 60); });
    }
  };
  {
    Run run(a.explore);
    a.length = 1;
    EveryHistory(run, a);
    for (const SimOp op : {kCommitInline, kMultiKey}) kills(run, {op});
    everywhere(run, {kSnapshot, kPrune, kOverwrite});
    everywhere(run, {kOverwrite, kSnapshot, kSnapshot, kPrune, kMultiKey, kCommitPayload, kReopen, kPrune});
    everywhere(run, {kSnapshot, kOverwrite, kRollback, kMultiKey, kReopen});
    random(run, 6);
    if (!run.PrintCounts()) return false;
  }
  {
    a.explore.config.slots = 16;
    Run run(a.explore);
    everywhere(run, {kOverwrite, kSnapshot, kPrune, kMultiKey, kCommitPayload});
    if (!run.PrintCounts()) return false;
    a.explore.config.slots = SimConfig().slots;
  }
  a.explore.config.durability = Durability::kUnsafeUnsynced;
  Run run(a.explore);
  everywhere(run, {kMultiKey, kFlush, kCommitInline});
  everywhere(run, {kMultiKey, kSnapshot, kCommitPayload});
  kills(run, {kMultiKey, kCommitPayload});
  random(run, 6);
  return run.PrintCounts();
}

bool Explore(const Arguments& a) {
  if (a.what == Arguments::What::kTour) return Tour(a);
  Run run(a.explore);
  if (a.what != Arguments::What::kHistories) EveryHistory(run, a);
  for (uint64_t seed = a.from; a.what == Arguments::What::kHistories && seed < a.to && !run.Done(); ++seed) {
    run.ExploreAndPrint("seed " + std::to_string(seed),
                        [&](SimExplorer& explorer) { explorer.ExploreRandom(seed, 12, 60); });
  }
  return run.PrintCounts();
}

}  // namespace
}  // namespace rawkv

int main(int argc, char** argv) {
  mallopt(M_ARENA_MAX, 1);  // otherwise each of the many short-lived threads maps its own arena
  rawkv::Arguments arguments;
  if (!rawkv::Parse(argc, argv, &arguments)) {
    std::fputs(rawkv::kUsage, stderr);
    return 2;
  }
  return rawkv::Explore(arguments) ? 0 : 1;
}
