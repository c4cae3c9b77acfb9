// Power cuts at every I/O of every short history, judged one by one (docs/testing.md): the long command.
// Arguments: --length=N (operations a history), --from=N, --to=N (histories, by number), --seed=N,
// --random=N (crashes at each place besides the extremes), --unsynced, --max=N (states).
#include <malloc.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/crash/sim_explorer.h"

namespace rawkv {
namespace {

struct Arguments {
  uint64_t length = 2;
  uint64_t from = 0;
  uint64_t to = UINT64_MAX;
  uint64_t nest = 50;
  ExploreOptions explore;
};

bool Parse(int argc, char** argv, Arguments* a) {
  for (int i = 1; i < argc; ++i) {
    const std::string text = argv[i];
    const size_t equals = text.find('=');
    const std::string name = text.substr(0, equals);
    const uint64_t value =
        equals == std::string::npos ? 0 : std::strtoull(text.c_str() + equals + 1, nullptr, 0);
    if (name == "--length") {
      a->length = value;
    } else if (name == "--from") {
      a->from = value;
    } else if (name == "--to") {
      a->to = value;
    } else if (name == "--seed") {
      a->explore.seed = value;
    } else if (name == "--random") {
      a->explore.random_plans = value;
    } else if (name == "--nest") {
      a->explore.nest_one_in = value;
    } else if (name == "--max") {
      a->explore.max_states = value;
    } else if (name == "--unsynced") {
      a->explore.config.durability = Durability::kUnsafeUnsynced;
    } else {
      std::fprintf(stderr, "unknown argument %s\n", argv[i]);
      return false;
    }
  }
  return true;
}

int Main(int argc, char** argv) {
  mallopt(M_ARENA_MAX, 1);  // each of the many short-lived threads would map an arena of its own
  Arguments a;
  if (!Parse(argc, argv, &a)) return 2;
  uint64_t total = 1;
  for (uint64_t i = 0; i < a.length; ++i) total *= kSimOps;
  const auto begun = std::chrono::steady_clock::now();
  const auto seconds = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  };
  SimExplorer explorer(a.explore);
  size_t told = 0;
  for (uint64_t n = a.from; n < std::min(a.to, total) && !explorer.Done(); ++n) {
    const std::vector<SimOp> ops = SequenceOf(a.length, n);
    const ExploreCounts before = explorer.counts();
    const double at = seconds();
    explorer.Explore(ops);
    std::printf("%llu %s: %llu places, %llu built, %llu judged, %.1f s\n", static_cast<unsigned long long>(n),
                NameOf(ops).c_str(),
                static_cast<unsigned long long>(explorer.counts().places - before.places),
                static_cast<unsigned long long>(explorer.counts().built - before.built),
                static_cast<unsigned long long>(explorer.counts().judged - before.judged), seconds() - at);
    for (; told < explorer.violations().size(); ++told) {
      const Violation& v = explorer.violations()[told];
      std::printf("VIOLATION: %s\n%s\nthe engine said:\n%s\nthe crash left:\n%s\n", v.what.c_str(),
                  v.history.c_str(), v.said.c_str(), v.image.c_str());
    }
    std::fflush(stdout);
  }
  std::printf("%s\n", Report(explorer.counts(), seconds(), a.explore.seed).c_str());
  return explorer.violations().empty() ? 0 : 1;
}

}  // namespace
}  // namespace rawkv

int main(int argc, char** argv) {
  return rawkv::Main(argc, argv);
}
