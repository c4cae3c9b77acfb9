#include "tests/stress/stress_options.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string_view>
#include <utility>

namespace rawkv::stress {
namespace {

constexpr char kUsage[] =
    R"(rawkv-stress [--name=value …]
how long
  --seconds=N, --minutes=N  how long the run takes (60 s)
  --violations=N       end after N violations (1)
what
  --seed=N             seed of all choices; 0 chooses one (0)
  --threads=N          workers, at least 4 (14); the first ten have different roles
  --without=A,B,…      leave out operations: batch_twice, checkpoint, copy, durability, empty, expected, grow, info,
                       iterator, old_view, pin, plan, prune, read_only, reopen, retention, rollback,
                       rollback_overlap (several at a time), scrub, snapshot,
                       start_scrub, sync, tip_rule (comparison of reads of the tip with version()), tip_view,
                       trim
  --reopen-seconds=N   time between two reopens (3)
  --call-seconds=N     a call that takes longer ends the run, with the stacks of all threads (60)
  --stall-seconds=N    time that the model waits for the acknowledgement of a version that a read showed (30)
where
  --dir=DIR            parent directory of all files ($TMPDIR or /tmp)
  --device=file|auto|PATH   a file in the store; a loop device, or a file if there is none; a block device
  --yes                needed for a PATH: the run destroys the content of the device
  --device-mib=N       size of a new device; 0: 8, 16 or 48, chosen by the seed (0)
  --keep               keep the files of a run without violations as well
tests of the program itself
  --plant=lie|forget|ahead|hang|leak|finding  a fault that the run must find
Exit status: 0 no violation, 1 a violation, 2 usage.
)";

constexpr std::array<std::pair<std::string_view, Plant>, 6> kPlants = {{{"lie", Plant::kLie},
                                                                        {"forget", Plant::kForget},
                                                                        {"ahead", Plant::kAhead},
                                                                        {"hang", Plant::kHang},
                                                                        {"leak", Plant::kLeak},
                                                                        {"finding", Plant::kFinding}}};

bool ParsePlant(const std::string& value, Plant* plant) {
  for (const auto& [name, known] : kPlants) {
    if (name != value) continue;
    *plant = known;
    return true;
  }
  return false;
}

void ParseNames(const std::string& value, std::set<std::string>* names) {
  size_t from = 0;
  while (from <= value.size()) {
    const size_t comma = std::min(value.find(',', from), value.size());
    names->insert(value.substr(from, comma - from));
    from = comma + 1;
  }
}

bool ParseNumber(const std::string& name, uint64_t value, StressOptions* o) {
  const std::array<std::pair<std::string_view, uint64_t*>, 8> numbers = {
      {{"--seconds", &o->seconds},
       {"--seed", &o->seed},
       {"--threads", &o->threads},
       {"--device-mib", &o->device_mib},
       {"--call-seconds", &o->call_seconds},
       {"--stall-seconds", &o->stall_seconds},
       {"--reopen-seconds", &o->reopen_seconds},
       {"--violations", &o->max_violations}}};
  for (const auto& [known, number] : numbers) {
    if (known != name) continue;
    *number = value;
    return true;
  }
  return false;
}

bool ParseOne(const std::string& text, StressOptions* o) {
  const size_t equals = text.find('=');
  const std::string name = text.substr(0, equals);
  const std::string value = equals == std::string::npos ? "" : text.substr(equals + 1);
  if (name == "--yes") return o->may_destroy_device = true;
  if (name == "--keep") return o->keep = true;
  if (value.empty()) return false;
  if (name == "--device") return o->device = value, true;
  if (name == "--dir") return o->dir = value, true;
  if (name == "--plant") return ParsePlant(value, &o->plant);
  if (name == "--without") return ParseNames(value, &o->without), true;
  char* end = nullptr;
  const uint64_t number = std::strtoull(value.c_str(), &end, 0);
  if (*end != '\0') return false;
  if (name == "--minutes") return o->seconds = number * 60, true;
  return ParseNumber(name, number, o);
}

}  // namespace

bool ParseStressOptions(int argc, char** argv, StressOptions* options) {
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--help") {
      std::fputs(kUsage, stdout);
      std::exit(0);
    }
    if (ParseOne(argv[i], options)) continue;
    std::fprintf(stderr, "rawkv-stress: %s is not understood\n%s", argv[i], kUsage);
    return false;
  }
  const bool path = options->device != "file" && options->device != "auto";
  if (path && !options->may_destroy_device) {
    std::fprintf(stderr, "rawkv-stress: --device=%s would be overwritten; add --yes to agree\n",
                 options->device.c_str());
    return false;
  }
  if (options->threads < 4 || options->threads > 200 || options->reopen_seconds == 0) {
    std::fprintf(stderr, "rawkv-stress: --threads is 4 to 200, --reopen-seconds at least 1\n");
    return false;
  }
  while (options->seed == 0) options->seed = std::random_device{}();
  return true;
}

}  // namespace rawkv::stress
