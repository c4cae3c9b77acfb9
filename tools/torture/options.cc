#include "tools/torture/options.h"

#include <getopt.h>

#include "tools/cli/byte_size.h"
#include "tools/cli/option_number.h"

namespace rawkv::torture {
namespace {

constexpr uint64_t kUsualMinutes = 10;

enum Id : int {
  kMinutes = 256,
  kKills,
  kSeed,
  kFirstRound,
  kDir,
  kDevice,
  kCapacity,
  kDurability,
  kEngine,
  kYes,
  kJson,
  kKeep,
  kHelp
};

Result<std::optional<Durability>> ParseDurability(std::string_view text) {
  if (text == "both") return std::optional<Durability>();
  if (text == "synced") return std::optional(Durability::kSynced);
  if (text == "unsafe_unsynced") return std::optional(Durability::kUnsafeUnsynced);
  return Status::InvalidArgument("--durability must be synced, unsafe_unsynced or both, not " +
                                 std::string(text));
}

Result<std::optional<IoEngine>> ParseEngine(std::string_view text) {
  if (text == "any") return std::optional<IoEngine>();
  RAWKV_ASSIGN_OR_RETURN(const IoEngine engine, ParseIoEngine(text));
  return std::optional(engine);
}

Status SetOption(int id, const char* value, Options* out) {
  switch (id) {
    case kMinutes: {
      RAWKV_ASSIGN_OR_RETURN(out->minutes, ctl::ParseOptionNumber("minutes", value));
      return Status::Ok();
    }
    case kKills: {
      RAWKV_ASSIGN_OR_RETURN(out->kills, ctl::ParseOptionNumber("kills", value));
      return Status::Ok();
    }
    case kSeed: {
      RAWKV_ASSIGN_OR_RETURN(out->seed, ctl::ParseOptionNumber("seed", value));
      return Status::Ok();
    }
    case kFirstRound: {
      RAWKV_ASSIGN_OR_RETURN(out->first_round, ctl::ParseOptionNumber("first_round", value));
      return Status::Ok();
    }
    case kCapacity: {
      RAWKV_ASSIGN_OR_RETURN(out->capacity_bytes, ctl::ParseByteSize(value));
      return Status::Ok();
    }
    case kDurability: {
      RAWKV_ASSIGN_OR_RETURN(out->durability, ParseDurability(value));
      return Status::Ok();
    }
    case kEngine: {
      RAWKV_ASSIGN_OR_RETURN(out->engine, ParseEngine(value));
      return Status::Ok();
    }
    case kDir:
      out->dir = value;
      return Status::Ok();
    case kDevice:
      out->device = value;
      return Status::Ok();
    case kYes:
      out->yes = true;
      return Status::Ok();
    case kJson:
      out->json = true;
      return Status::Ok();
    case kKeep:
      out->keep = true;
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
  static constexpr option kOptions[] = {{"minutes", required_argument, nullptr, kMinutes},
                                        {"kills", required_argument, nullptr, kKills},
                                        {"seed", required_argument, nullptr, kSeed},
                                        {"first_round", required_argument, nullptr, kFirstRound},
                                        {"dir", required_argument, nullptr, kDir},
                                        {"device", required_argument, nullptr, kDevice},
                                        {"capacity", required_argument, nullptr, kCapacity},
                                        {"durability", required_argument, nullptr, kDurability},
                                        {"engine", required_argument, nullptr, kEngine},
                                        {"yes", no_argument, nullptr, kYes},
                                        {"json", no_argument, nullptr, kJson},
                                        {"keep", no_argument, nullptr, kKeep},
                                        {"help", no_argument, nullptr, kHelp},
                                        {nullptr, 0, nullptr, 0}};
  Options out;
  optind = 0;  // resets getopt, which may have been used before
  opterr = 0;  // the caller prints errors
  for (int id; (id = getopt_long(argc, argv, "h", kOptions, nullptr)) != -1;) {
    RAWKV_RETURN_IF_ERROR(SetOption(id, optarg, &out));
  }
  if (optind < argc)
    return Status::InvalidArgument(std::string("unexpected argument ") + argv[optind] + "; see --help");
  if (!out.minutes && !out.kills) out.minutes = kUsualMinutes;
  return out;
}

std::string Usage() {
  return R"(Usage: rawkv-torture [--minutes=10] [--kills=N] [--dir=DIR] [--device=PATH [--yes]] [options]

Starts worker processes that commit to a store, kills them with SIGKILL at random moments, and checks after
each kill that no acknowledged version is lost, that no version is partly done, and that the retained
versions have exactly the expected content.

  --minutes=M, --kills=N  when to end; the earlier of the two counts (10 minutes if neither is given)
  --dir=DIR               directory for the store: absent or empty, on the filesystem to test
                          (default: a new one below $TMPDIR or /tmp)
  --device=PATH           a block device, a loop device or a file for the values: ALL ITS CONTENT IS LOST
                          (default: a sparse file in DIR)
  --yes                   overwrite the content of the device without asking
  --capacity=256MiB       size of a new device file
  --durability=both       or synced, or unsafe_unsynced; a kill loses nothing in either mode
  --engine=any            or auto, posix, io_uring; any chooses one for each kill
  --seed=N                seed of all random choices except the scheduler's; printed at the end
  --first_round=N         with --seed: begins at the last format before round N
  --keep                  keeps the store also after a good run
  --json                  prints the report as one JSON document

Exit status: 0 nothing was lost; 1 a promise was broken, the store is kept; 2 usage error; 3 refused, or not
confirmed; 5 the machine failed (I/O error, no space); 130 interrupted.
)";
}

std::string ReplayCommand(const Options& options, const ReplayPoint& point) {
  std::string out = "rawkv-torture --seed=" + std::to_string(point.seed) +
                    " --first_round=" + std::to_string(point.first_round) +
                    " --kills=" + std::to_string(point.kills);
  if (options.capacity_bytes != Options().capacity_bytes)
    out += " --capacity=" + std::to_string(options.capacity_bytes);
  if (options.durability) {
    out +=
        *options.durability == Durability::kSynced ? " --durability=synced" : " --durability=unsafe_unsynced";
  }
  if (options.engine) out += " --engine=" + std::string(IoEngineName(*options.engine));
  if (!options.device.empty()) out += " --device=" + options.device + " --yes";
  return out;
}

}  // namespace rawkv::torture
