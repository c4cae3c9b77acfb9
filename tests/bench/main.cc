#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "tests/bench/bench_store.h"

// rawkv_measure [NAME…]: runs the named measurements, or all.
int main(int argc, char** argv) {
  using namespace rawkv::bench;
  if (argc == 3 && std::strcmp(argv[1], "--commit-tail") == 0) CommitTail(argv[2]);
  if (argc == 3 && std::strcmp(argv[1], "--cache-tail") == 0) CacheTail(argv[2]);
  if (argc == 4 && std::strcmp(argv[1], "--look") == 0) LookUntilKilled(argv[2], std::atoi(argv[3]));
  constexpr std::pair<const char*, void (*)()> kAll[] = {
      {"rollback", BenchRollback},
      {"open", BenchOpen},
      {"commit-values", BenchCommitValues},
      {"read", BenchRead},
      {"scan", BenchScan},
      {"replay", BenchReplay},
      {"waits", BenchWaits},
      {"alongside", BenchAlongside},
      {"undo", BenchUndo},
      {"undo-commit", BenchUndoCommit},
      {"undo-window", BenchUndoWindow},
      {"session", BenchSession},
      {"cache-open", BenchCacheOpen},
      {"nvme", BenchNvme},
      {"checkpoint", BenchCheckpoint},
  };
  for (const auto& [name, run] : kAll) {
    bool wanted = argc == 1;
    for (int i = 1; i < argc; ++i) wanted |= std::strcmp(argv[i], name) == 0;
    if (!wanted) continue;
    std::printf("\n### %s\n\n", name);
    run();
    std::fflush(stdout);
  }
  return 0;
}
