#include "tools/torture/run.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/entropy.h"
#include "base/fs.h"
#include "base/fs_ops.h"
#include "base/resolve_path.h"
#include "blockdev/device_fd.h"
#include "blockdev/device_guard.h"
#include "tools/cli/input.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/progress.h"
#include "tools/cli/scratch_dir.h"

namespace rawkv::torture {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;

// The directory of the store. The destructor removes everything that Make made, unless Keep was called.
class WorkPlace {
 public:
  Status Make(const Options& options) {
    if (options.dir.empty()) {
      RAWKV_ASSIGN_OR_RETURN(path_, ctl::MakeScratchDir("rawkv-torture"));
    } else {
      path_ = ResolvePath(PosixFs(), options.dir);
      RAWKV_ASSIGN_OR_RETURN(const bool exists, Exists(PosixFs(), path_));
      if (exists) {
        RAWKV_ASSIGN_OR_RETURN(const auto names, PosixFs().List(path_));
        if (!names.empty()) return Status::FailedPrecondition(path_ + " is not empty; give another --dir");
      } else {
        RAWKV_RETURN_IF_ERROR(PosixFs().MakeDir(path_));
      }
      made_dir_ = !exists;
    }
    made_ = true;
    return PosixFs().MakeDir(scratch());
  }
  ~WorkPlace() {
    if (!made_ || keep_) return;
    Status removed = RemoveTree(PosixFs(), store());
    if (removed.ok()) removed = RemoveTree(PosixFs(), scratch());
    if (removed.ok() && made_dir_) removed = PosixFs().RemoveDir(path_);
    if (removed.ok() && !made_device_.empty()) removed = PosixFs().RemoveFile(made_device_);
    if (!removed.ok()) fmt::print(stderr, "cannot remove {}: {}\n", path_, removed.message());
  }

  std::string store() const { return JoinPath(path_, "store"); }
  std::string scratch() const { return JoinPath(path_, "scratch"); }
  void RemoveDeviceAtEnd(const std::string& device) { made_device_ = device; }
  void Keep() { keep_ = true; }

 private:
  std::string path_;
  std::string made_device_;
  bool made_ = false, made_dir_ = true, keep_ = false;
};

Result<DeviceKind> KindOf(const std::string& device) {
  struct stat info {};
  if (::stat(device.c_str(), &info) != 0) return Status::FromErrno(errno, "stat of " + device);
  return DeviceKindOf(info.st_mode, info.st_rdev, device);
}

// Requires the operator's consent to overwrite an existing device. A regular file without a known signature
// needs no consent; any other device always needs it.
Status RequireConsent(const Options& options) {
  RAWKV_ASSIGN_OR_RETURN(const DeviceKind kind, KindOf(options.device));
  const Status blank = CheckDeviceMayBeFormatted(options.device, SignaturePolicy::kRefuse);
  if (blank.ok() && kind == DeviceKind::kFile) return blank;
  RAWKV_RETURN_IF_ERROR(CheckDeviceMayBeFormatted(options.device, SignaturePolicy::kOverwrite));
  if (options.yes) return Status::Ok();
  const std::string what =
      blank.ok()
          ? options.device + (kind == DeviceKind::kNvmeChar ? " is an NVMe namespace" : " is a block device")
          : blank.message();
  if (isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1) {
    return Status::FailedPrecondition("refused (no confirmation): " + what +
                                      "; give --yes to overwrite all its content");
  }
  fmt::print(stderr, "{}. All its content will be lost. Type yes to continue: ", what);
  RAWKV_ASSIGN_OR_RETURN(ctl::Input terminal, ctl::Input::Open("-"));
  ctl::LineReader lines(std::move(terminal));
  RAWKV_ASSIGN_OR_RETURN(const auto answer, lines.Next());
  if (answer == "yes") return Status::Ok();
  return Status::FailedPrecondition("refused (no confirmation): nothing changed");
}

// Absent: any engine may be used. An NVMe character device has one engine only.
std::optional<IoEngine> ChooseEngine(const Options& options) {
  if (options.engine || options.device.empty()) return options.engine;
  const Result<DeviceKind> kind = KindOf(options.device);  // an error: a file that the format makes
  return kind.ok() && *kind == DeviceKind::kNvmeChar ? std::optional(IoEngine::kNvme) : std::nullopt;
}

// Runs rounds until the time or the number of kills is reached.
class Rounds {
 public:
  Rounds(const Options& options, Campaign& campaign, Outcome* outcome)
      : options_(options), campaign_(campaign), outcome_(*outcome), line_(STDERR_FILENO) {}

  void Run() {
    const uint64_t start_ns = SystemClock().MonotonicNs();
    const ProgressFn show = line_.Callback();
    uint64_t round = FirstRound(options_);
    for (bool first = true;; ++round, first = false) {
      outcome_.wall_ns = SystemClock().MonotonicNs() - start_ns;
      outcome_.interrupted = ctl::InterruptPending();
      if (outcome_.interrupted || IsFinished()) break;
      if (show) Show(show);
      const Status status = OneRound(round, first);
      if (status.ok()) continue;
      outcome_.status = status;
      outcome_.failed_round = round;
      outcome_.violation = status.code() != StatusCode::kIoError && status.code() != StatusCode::kNoSpace;
      break;
    }
    line_.Wipe();
    outcome_.tally = campaign_.tally();
  }

  static uint64_t FirstRound(const Options& options) {
    return options.first_round - options.first_round % Campaign::kRoundsPerFormat;
  }

 private:
  bool IsFinished() const {
    if (options_.kills && campaign_.tally().kills >= *options_.kills) return true;
    return options_.minutes && outcome_.wall_ns >= *options_.minutes * 60 * kSecondNs;
  }

  Status OneRound(uint64_t round, bool first) {
    // The caller has formatted the first store, so that a refusal comes before the first round.
    if (round % Campaign::kRoundsPerFormat == 0 && !first) RAWKV_RETURN_IF_ERROR(campaign_.Format(true));
    RAWKV_RETURN_IF_ERROR(campaign_.KillWorkers(round));
    return campaign_.JudgeRound(round);
  }

  void Show(const ProgressFn& show) {
    const uint64_t kills = campaign_.tally().kills;
    if (!options_.minutes) return show({.what = "kills", .done = kills, .total = *options_.kills});
    const std::string what = fmt::format("{} kills, {} commits; seconds", kills, campaign_.tally().commits);
    show({.what = what.c_str(), .done = outcome_.wall_ns / kSecondNs, .total = *options_.minutes * 60});
  }

  const Options& options_;
  Campaign& campaign_;
  Outcome& outcome_;
  ctl::ProgressLine line_;
};

}  // namespace

Result<Outcome> Run(const Options& options, const std::string& program) {
  WorkPlace place;
  bool overwrite = false;
  if (!options.device.empty()) {
    RAWKV_ASSIGN_OR_RETURN(overwrite, Exists(PosixFs(), options.device));
    if (overwrite) RAWKV_RETURN_IF_ERROR(RequireConsent(options));
  }
  RAWKV_RETURN_IF_ERROR(place.Make(options));
  if (!options.device.empty() && !overwrite) place.RemoveDeviceAtEnd(options.device);

  Outcome outcome;
  outcome.seed = options.seed.value_or(SystemEntropy().NextU64() % 1'000'000'000);
  outcome.store = place.store();
  outcome.scratch = place.scratch();
  outcome.device = options.device;
  Campaign campaign({.program = program,
                     .store = place.store(),
                     .scratch = place.scratch(),
                     .device = options.device,
                     .capacity_bytes = options.capacity.value_or(kUsualCapacityBytes),
                     .seed = outcome.seed,
                     .durability = options.durability,
                     .engine = ChooseEngine(options)});
  RAWKV_RETURN_IF_ERROR(campaign.Format(overwrite));
  Rounds(options, campaign, &outcome).Run();
  const uint64_t from = outcome.failed_round - outcome.failed_round % Campaign::kRoundsPerFormat;
  outcome.replay = ReplayCommand(
      options, {.seed = outcome.seed, .first_round = from, .kills = 3 * (outcome.failed_round - from + 1)});
  if (outcome.violation || options.keep) place.Keep();
  return outcome;
}

}  // namespace rawkv::torture
