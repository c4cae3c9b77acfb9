#include "tools/quickstart_options.h"

#include <getopt.h>

#include "tools/cli/option_number.h"

namespace rawkv::quickstart {
namespace {

enum Id : int { kCommits = 256, kSeed, kKeep, kSource, kHelp };

Status TakeOption(int id, const char* value, Options* out) {
  switch (id) {
    case kCommits: {
      RAWKV_ASSIGN_OR_RETURN(out->commits_max, ctl::ParseOptionNumber("commits", value));
      return Status::Ok();
    }
    case kSeed: {
      RAWKV_ASSIGN_OR_RETURN(out->seed, ctl::ParseOptionNumber("seed", value));
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
  return R"(Usage: rawkv-quickstart [REPOSITORY] [--commits=2000] [--seed=N] [--keep] [--source=.]

Replays a git history into a store and lets git judge every key; tools/quickstart --help tells all.
REPOSITORY is a working tree, a bare repository or a directory without git; without one, --source.
)";
}

}  // namespace rawkv::quickstart
