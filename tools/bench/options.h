#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "tools/bench/runner.h"
#include "tools/cli/flag_set.h"

namespace rawkv::bench {

// Conversions of values that only this program has (tools/cli/flag_set.h).
Result<std::vector<std::string>> WordsValue(const std::string& text);  // "a,b"
Result<std::vector<uint64_t>> SizesValue(const std::string& text);     // "100,4KiB"

// All flags; tools/cli/flag_set.h explains the columns.
// clang-format off
#define RAWKV_BENCH_FLAGS(FLAG) \
  FLAG(string, ctl::DirValue, dir, "", "DIR: where the peers keep their files; they are removed at the end") \
  FLAG(string, ctl::PathValue, device, "", "PATH: for the values of rawkv; ALL ITS CONTENT IS LOST (default: a file)") \
  FLAG(bool, ctl::SwitchValue, yes, false, "overwrite the content of the device without asking") \
  FLAG(string, WordsValue, workloads, "", "NAMES: with commas between them (all)") \
  FLAG(string, SizesValue, sizes, "", "SIZES: of values, with commas between them: 100,4KiB (those of each workload)") \
  FLAG(string, WordsValue, peers, "", "NAMES: with commas: rawkv, rawkv:posix, rocksdb, … (rawkv,rocksdb,blobdb,lmdb,fio)") \
  FLAG(uint64, ctl::NumberValue, repeats, 0, "N: samples of each case, 1 or more; the median counts (7, quick 5)") \
  FLAG(uint64, ctl::NumberValue, slice_ms, 0, "MS: milliseconds of one sample (1000, quick 75)") \
  FLAG(string, ctl::BytesValue, data_bytes, "", "BYTES: of values that are loaded for each size (1GiB, quick 32MiB)") \
  FLAG(uint64, ctl::NumberValue, seed, 0, "N: of the order of keys and turns (1)") \
  FLAG(bool, ctl::SwitchValue, quick, false, "fewer sizes and depths, and short samples: minutes instead of hours") \
  FLAG(bool, ctl::SwitchValue, json, false, "print the results as one JSON document instead of tables") \
  FLAG(string, ctl::PathValue, out, "", "FILE: also write the JSON document there") \
  FLAG(bool, ctl::SwitchValue, man, false, "of help: print the manual page") \
  FLAG(string, ctl::PathValue, report, "", "PATH: also write PATH.md, and in the directory PATH plots and results.json")
// clang-format on

struct Options {
  RAWKV_BENCH_FLAGS(RAWKV_FLAG_FIELD)
  std::vector<std::string> words;  // the command and its arguments
  bool help = false;
};

// `args` does not include the program's name. kInvalidArgument names the problem.
Result<Options> ParseOptions(const std::vector<std::string>& args);
// The options of a run, with the defaults of a full or a quick one. kInvalidArgument: out of range.
Result<RunOptions> RunOptionsOf(const Options& options);
std::string Usage();
// All flags, in the order of the list.
std::vector<ctl::FlagDescription> FlagDescriptions();

// The commands, for help, the manual page and completion.
struct CommandHelp {
  std::string_view usage;      // "compare A.json B.json"
  std::string_view name;       // "compare"
  std::string_view arguments;  // as ctl::ChoicesOf reads them, or "FILE"
  std::string_view what;
};
inline constexpr CommandHelp kCommands[] = {
    {"run --dir=DIR [--quick] [options]", "run", "",
     "measures rawkv, RocksDB, RocksDB with blob files, LMDB and fio in one run: in each case they take "
     "turns, "
     "in a new order for each repeat"},
    {"compare A.json B.json", "compare", "FILE",
     "shows which figures of B differ from those of A by more than their spread"},
    {"report RESULTS.json PATH", "report", "FILE",
     "makes the report of an older run again, as --report does"},
    {"list", "list", "", "shows the workloads and the peers"},
    {"help [--man]", "help", "", "prints this help, or the manual page"},
    {"completion bash|zsh|fish", "completion", "bash|zsh|fish", "prints a completion script"},
};
struct ExitStatusHelp {
  int status;
  std::string_view meaning;
};
inline constexpr ExitStatusHelp kExitStatuses[] = {{0, "done"},
                                                   {1, "compare found a figure that is worse"},
                                                   {2, "usage error"},
                                                   {3, "refused, or not confirmed"},
                                                   {4, "a peer returned wrong bytes"},
                                                   {5, "the machine failed (I/O error, no space)"},
                                                   {130, "interrupted; the files are removed"}};

}  // namespace rawkv::bench
