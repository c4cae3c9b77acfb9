#include "tools/torture/worker_main.h"

#include <cstdio>
#include <cstdlib>

#include "tools/cli/exit_status.h"
#include "tools/torture/process.h"

namespace rawkv::torture {
namespace {

constexpr char kWord[] = "--worker";
enum Argument : int { kWordAt = 1, kStore, kScratch, kSeed, kDurability, kEngine, kActors, kCount };

constexpr char kSyncedWord[] = "synced";

uint64_t NumberOf(const char* text) {
  return std::strtoull(text, nullptr, 10);
}

}  // namespace

std::vector<std::string> WorkerArguments(const WorkerPlan& plan) {
  return {kWord,
          plan.store,
          plan.scratch,
          std::to_string(plan.seed),
          plan.durability == Durability::kSynced ? kSyncedWord : "unsafe_unsynced",
          std::string(IoEngineName(plan.engine)),
          std::to_string(plan.actors)};
}

bool IsWorker(int argc, char** argv) {
  return argc == kCount && std::string_view(argv[kWordAt]) == kWord;
}

int RunWorker(char** argv) {
  WorkerPlan plan = {.store = argv[kStore], .scratch = argv[kScratch], .seed = NumberOf(argv[kSeed])};
  plan.durability =
      std::string_view(argv[kDurability]) == kSyncedWord ? Durability::kSynced : Durability::kUnsafeUnsynced;
  plan.engine = ParseIoEngine(argv[kEngine]).value();
  plan.actors = static_cast<uint32_t>(NumberOf(argv[kActors]));
  PipeSink sink(WorkerProcess::kPipe);
  const Status status = Work(plan, sink);
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return static_cast<int>(ctl::ExitStatusOf(status));
}

}  // namespace rawkv::torture
