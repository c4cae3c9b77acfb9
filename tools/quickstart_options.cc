#include "tools/quickstart_options.h"

#include <getopt.h>

#include <charconv>
#include <cstring>

namespace rawkv::quickstart {
namespace {

Result<uint64_t> ParseNumber(const char* name, const char* text) {
  uint64_t out = 0;
  const char* end = text + std::strlen(text);
  const auto [at, error] = std::from_chars(text, end, out);
  if (error != std::errc() || at != end || at == text) {
    return Status::InvalidArgument(std::string("--") + name + "=" + text + " is not a number");
  }
  return out;
}

enum Id : int { kCommits = 256, kSeed, kKeep, kSource, kHelp };

Status TakeOption(int id, const char* value, Options* out) {
  switch (id) {
    case kCommits: {
      RAWKV_ASSIGN_OR_RETURN(out->commits_max, ParseNumber("commits", value));
      return Status::Ok();
    }
    case kSeed: {
      RAWKV_ASSIGN_OR_RETURN(out->seed, ParseNumber("seed", value));
      return Status::Ok();
    }
    case kKeep:
      out->keep = true;
      return Status::Ok();
    case kSource:
      out->source = value;
      return Status::Ok();
    case kHelp:
    case 'h':
      out->help = true;
      return Status::Ok();
    default:
      return Status::InvalidArgument("unknown option, or an option without its value; see --help");
  }
}

}  // namespace

Result<Options> ParseOptions(int argc, char** argv) {
  static constexpr option kOptions[] = {{"commits", required_argument, nullptr, kCommits},
                                        {"seed", required_argument, nullptr, kSeed},
                                        {"keep", no_argument, nullptr, kKeep},
                                        {"source", required_argument, nullptr, kSource},
                                        {"help", no_argument, nullptr, kHelp},
                                        {nullptr, 0, nullptr, 0}};
  Options out;
  optind = 0;  // getopt from its start, whoever used it before
  opterr = 0;  // the caller prints
  for (int id; (id = getopt_long(argc, argv, "h", kOptions, nullptr)) != -1;) {
    RAWKV_RETURN_IF_ERROR(TakeOption(id, optarg, &out));
  }
  if (optind < argc) out.repository = argv[optind++];
  if (optind < argc) {
    return Status::InvalidArgument(std::string("one repository, please; what is ") + argv[optind] + "?");
  }
  return out;
}

std::string Usage() {
  return R"(Usage: tools/quickstart [REPOSITORY] [--commits=2000] [--seed=N] [--keep]

Builds rawkv, then replays a git history into a store, one version a commit (key = path, value = content),
with snapshots on the way, and lets git judge: the process is killed with SIGKILL in the middle of
commits and must come back with every acknowledged version; old versions are read, one is rolled back to,
and every key of each compared version must be equal to what git says.

  REPOSITORY     a working tree or bare repository; without one, the clone this was built from. A
                 directory without git is replayed as it is, its files in steps.
  --commits=N    take the newest N commits of the first-parent history (default 2000; 0 = all)
  --seed=N       repeat a run's random choices (the report names its seed)
  --keep         leave the store behind and say where

The store is made in a new directory below $TMPDIR (or /tmp) and removed at the end.
Exit status: 0 everything compared was equal; 1 it was not, or something acknowledged was lost;
2 usage; 3 it could not be run (no space, git failed, …); 130 interrupted.
)";
}

}  // namespace rawkv::quickstart
