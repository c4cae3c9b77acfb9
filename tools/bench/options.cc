#include "tools/bench/options.h"

#include <fmt/format.h>
#include <gflags/gflags.h>

#include <sstream>

#include "tools/bench/values.h"
#include "tools/cli/byte_size.h"

#define RAWKV_DEFINE_FLAG(type, convert, name, fallback, help) DEFINE_##type(bench_##name, fallback, help);
RAWKV_BENCH_FLAGS(RAWKV_DEFINE_FLAG)
#undef RAWKV_DEFINE_FLAG

namespace rawkv::bench {
namespace {

constexpr ctl::FlagSet kFlagSet = {.prefix = "bench_"};

}  // namespace

Result<std::vector<std::string>> WordsValue(const std::string& text) {
  std::vector<std::string> words;
  std::istringstream stream(text);
  for (std::string word; std::getline(stream, word, ',');) {
    if (!word.empty()) words.push_back(word);
  }
  if (words.empty()) return Status::InvalidArgument("needs a value");
  return words;
}

Result<std::vector<uint64_t>> SizesValue(const std::string& text) {
  RAWKV_ASSIGN_OR_RETURN(const std::vector<std::string> words, WordsValue(text));
  std::vector<uint64_t> sizes;
  for (const std::string& word : words) {
    RAWKV_ASSIGN_OR_RETURN(const uint64_t bytes, ctl::ParseByteSize(word));
    if (bytes == 0 || bytes > kValueBytesMax) {
      return Status::InvalidArgument("'" + word + "' is not from 1 byte to 16MiB");
    }
    sizes.push_back(bytes);
  }
  return sizes;
}

Result<Options> ParseOptions(const std::vector<std::string>& args) {
  const ctl::Arguments given = kFlagSet.Split(args);
  Options out;
  out.help = given.help;
  if (out.help) return out;
  RAWKV_RETURN_IF_ERROR(given.error);
  RAWKV_RETURN_IF_ERROR(kFlagSet.Set(given.flags));
#define RAWKV_READ_FLAG(type, convert, name, fallback, help) \
  RAWKV_RETURN_IF_ERROR(kFlagSet.Read(#name, convert, FLAGS_bench_##name, &out.name));
  RAWKV_BENCH_FLAGS(RAWKV_READ_FLAG)
#undef RAWKV_READ_FLAG
  out.words = given.words;
  return out;
}

Result<RunOptions> RunOptionsOf(const Options& options) {
  if (!options.dir) return Status::InvalidArgument("run needs --dir; see --help");
  RunOptions out;
  out.dir = *options.dir;
  out.device = options.device.value_or("");
  out.workloads = options.workloads;
  out.sizes = options.sizes;
  out.peers = options.peers;
  if (out.peers.empty()) out.peers = {"rawkv", "rocksdb", "blobdb", "lmdb", "fio"};
  out.quick = options.quick;
  out.repeats = options.repeats.value_or(options.quick ? 5 : 7);
  out.slice = std::chrono::milliseconds(options.slice_ms.value_or(options.quick ? 75 : 1000));
  out.data_bytes = options.data_bytes.value_or(options.quick ? 32ull << 20 : 1ull << 30);
  out.keys_max = options.quick ? 50'000 : 2'000'000;
  out.seed = options.seed.value_or(1);
  if (out.repeats == 0) return Status::InvalidArgument("--repeats is 1 or more");
  if (out.slice.count() == 0) return Status::InvalidArgument("--slice_ms is 1 or more");
  return out;
}

std::vector<ctl::FlagDescription> FlagDescriptions() {
  std::vector<ctl::FlagDescription> flags;
#define RAWKV_DESCRIBE_FLAG(type, convert, name, fallback, help) flags.push_back(*kFlagSet.Describe(#name));
  RAWKV_BENCH_FLAGS(RAWKV_DESCRIBE_FLAG)
#undef RAWKV_DESCRIBE_FLAG
  return flags;
}

std::string Usage() {
  std::string text;
  for (const CommandHelp& command : kCommands) {
    text += fmt::format("{} rawkv-bench {}\n", text.empty() ? "Usage:" : "      ", command.usage);
  }
  text += "\n";
  for (const CommandHelp& command : kCommands) text += fmt::format("{} {}.\n", command.name, command.what);
  text += "\n";
  for (const ctl::FlagDescription& flag : FlagDescriptions()) text += flag.HelpLine();
  text += "\nExit status:";
  for (const ExitStatusHelp& row : kExitStatuses) text += fmt::format(" {} {};", row.status, row.meaning);
  text.back() = '.';
  return text + "\n";
}

}  // namespace rawkv::bench
