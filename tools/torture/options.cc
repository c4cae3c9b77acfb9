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
  return Status::InvalidArgument("--durability is synced, unsafe_unsynced or both, not " + std::string(text));
}

Result<std::optional<IoEngine>> ParseEngine(std::string_view text) {
  if (text == "any") return std::optional<IoEngine>();
  RAWKV_ASSIGN_OR_RETURN(const IoEngine engine, ParseIoEngine(text));
  return std::optional(engine);
}

Status TakeOption(int id, const char* value, Options* out) {
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
  optind = 0;  // getopt from its start, whoever used it before
  opterr = 0;  // the caller prints
  for (int id; (id = getopt_long(argc, argv, "h", kOptions, nullptr)) != -1;) {
    RAWKV_RETURN_IF_ERROR(TakeOption(id, optarg, &out));
  }
  if (optind < argc) return Status::InvalidArgument(std::string("what is ") + argv[optind] + "?");
  if (!out.minutes && !out.kills) out.minutes = kUsualMinutes;
  return out;
}

std::string Usage() {
  return R"(Usage: rawkv-torture [--minutes=10] [--kills=N] [--dir=DIR] [--device=PATH [--yes]] [options]

Commits to a store from processes of its own, kills them with SIGKILL at random moments, and judges after
each kill that nothing acknowledged was lost, nothing was half done, and the versions kept read exactly.

  --minutes=M, --kills=N  when to end, the earlier of the two; 10 minutes unless one is given
  --dir=DIR               where the store goes: absent or empty, on the filesystem to be tried. Else below
                          $TMPDIR or /tmp
  --device=PATH           a block device, a loop device or a file for the values: ALL ITS CONTENT IS LOST.
                          Else a sparse file in DIR
  --yes                   overwrite what is on the device without asking
  --capacity=256MiB       of a device file that is made
  --durability=both       or synced, or unsafe_unsynced; a kill loses nothing in either
  --engine=any            or auto, posix, io_uring; any changes from kill to kill
  --seed=N                of all random choices but the scheduler's; printed at the end
  --first_round=N         with --seed: begins there, at the format before it
  --keep                  leaves the store when all is well, too
  --json                  the report as one JSON document

Exit status: 0 nothing was lost; 1 a promise was broken, the store is kept; 2 usage; 3 refused, or no
confirmation; 5 the machine failed (I/O error, no space); 130 interrupted.
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
