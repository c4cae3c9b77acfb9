#include "tools/torture/options.h"

#include <gflags/gflags.h>

#define RAWKV_DEFINE_FLAG(type, convert, name, fallback, help) DEFINE_##type(torture_##name, fallback, help);
RAWKV_TORTURE_FLAGS(RAWKV_DEFINE_FLAG)
#undef RAWKV_DEFINE_FLAG

namespace rawkv::torture {
namespace {

constexpr ctl::FlagSet kFlagSet = {.prefix = "torture_"};
constexpr uint64_t kUsualMinutes = 10;

constexpr std::string_view kUsageHead =
    R"(Usage: rawkv-torture [--minutes=10] [--kills=N] [--dir=DIR] [--device=PATH [--yes]] [options]

Starts worker processes that commit to a store, kills them with SIGKILL at random moments, and checks after
each kill that no acknowledged version is lost, that no version is partly done, and that the retained
versions have exactly the expected content.

)";

constexpr std::string_view kUsageTail = R"(
Exit status: 0 nothing was lost; 1 a promise was broken, the store is kept; 2 usage error; 3 refused, or not
confirmed; 5 the machine failed (I/O error, no space); 130 interrupted.
)";

}  // namespace

Result<std::string> PathValue(const std::string& text) {
  return text;
}

Result<uint64_t> RoundValue(uint64_t number) {
  return number;
}

Result<std::optional<Durability>> DurabilityOrBoth(const std::string& text) {
  if (text == "both") return std::optional<Durability>();
  if (text == "synced") return std::optional(Durability::kSynced);
  if (text == "unsafe_unsynced") return std::optional(Durability::kUnsafeUnsynced);
  return Status::InvalidArgument("'" + text + "' is not synced, unsafe_unsynced or both");
}

Result<std::optional<IoEngine>> EngineOrAny(const std::string& text) {
  if (text == "any") return std::optional<IoEngine>();
  RAWKV_ASSIGN_OR_RETURN(const IoEngine engine, ParseIoEngine(text));
  return std::optional(engine);
}

Result<Options> ParseOptions(const std::vector<std::string>& args) {
  const ctl::Arguments given = kFlagSet.Split(args);
  Options out;
  out.help = given.help;
  if (out.help) return out;
  RAWKV_RETURN_IF_ERROR(given.error);
  if (!given.words.empty()) {
    return Status::InvalidArgument("unexpected argument " + given.words.front() + "; see --help");
  }
  RAWKV_RETURN_IF_ERROR(kFlagSet.Set(given.flags));
#define RAWKV_READ_FLAG(type, convert, name, fallback, help) \
  RAWKV_RETURN_IF_ERROR(kFlagSet.Read(#name, convert, FLAGS_torture_##name, &out.name));
  RAWKV_TORTURE_FLAGS(RAWKV_READ_FLAG)
#undef RAWKV_READ_FLAG
  if (!out.minutes && !out.kills) out.minutes = kUsualMinutes;
  return out;
}

std::string Usage() {
  std::string text(kUsageHead);
#define RAWKV_HELP_LINE(type, convert, name, fallback, help) text += kFlagSet.Describe(#name)->HelpLine();
  RAWKV_TORTURE_FLAGS(RAWKV_HELP_LINE)
#undef RAWKV_HELP_LINE
  return text.append(kUsageTail);
}

std::string ReplayCommand(const Options& options, const ReplayPoint& point) {
  std::string out = "rawkv-torture --seed=" + std::to_string(point.seed) +
                    " --first_round=" + std::to_string(point.first_round) +
                    " --kills=" + std::to_string(point.kills);
  if (options.capacity) out += " --capacity=" + std::to_string(*options.capacity);
  if (options.durability) {
    out +=
        *options.durability == Durability::kSynced ? " --durability=synced" : " --durability=unsafe_unsynced";
  }
  if (options.engine) out += " --engine=" + std::string(IoEngineName(*options.engine));
  if (!options.device.empty()) out += " --device=" + options.device + " --yes";
  return out;
}

}  // namespace rawkv::torture
