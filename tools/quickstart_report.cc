#include "tools/quickstart_report.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "tools/cli/byte_size.h"

namespace rawkv::quickstart {
namespace {

std::string HumanTime(uint64_t nanoseconds) {
  const double seconds = static_cast<double>(nanoseconds) / 1e9;
  if (seconds < 0.001) return fmt::format("{:.0f} µs", seconds * 1e6);
  if (seconds < 1) return fmt::format("{:.1f} ms", seconds * 1e3);
  return fmt::format("{:.1f} s", seconds);
}

// 1234567 as "1,234,567".
std::string Count(uint64_t n) {
  std::string out = std::to_string(n);
  for (size_t at = out.size(); at > 3; at -= 3) out.insert(at - 3, ",");
  return out;
}

std::string Things(uint64_t n, std::string_view thing) {
  return fmt::format("{} {}{}", Count(n), thing, n == 1 ? "" : "s");
}

uint64_t PerSecond(uint64_t n, uint64_t nanoseconds) {
  return nanoseconds == 0
             ? 0
             : static_cast<uint64_t>(static_cast<double>(n) * 1e9 / static_cast<double>(nanoseconds));
}

template <typename Numbers>
std::string Joined(const Numbers& numbers) {
  std::string out;
  for (const uint64_t n : numbers) out += (out.empty() ? "" : ", ") + std::to_string(n);
  return out;
}

}  // namespace

DiskUse MeasureDiskUse(const std::string& store, const std::string& device) {
  namespace fs = std::filesystem;
  DiskUse out;
  std::set<std::pair<dev_t, ino_t>> seen;
  struct stat device_status {};
  const bool has_device = stat(device.c_str(), &device_status) == 0;
  std::error_code error;
  fs::recursive_directory_iterator at(store, error);
  for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    struct stat status;
    if (lstat(at->path().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    if (!seen.emplace(status.st_dev, status.st_ino).second) continue;
    const bool is_device =
        has_device && status.st_dev == device_status.st_dev && status.st_ino == device_status.st_ino;
    (is_device ? out.device_bytes : out.metadata_bytes) += static_cast<uint64_t>(status.st_blocks) * 512;
  }
  return out;
}

void Report::Line(std::string_view label, const std::string& text) {
  progress_.Clear();
  fmt::print("{:<11}{}\n", label, text);
  std::fflush(stdout);
}

void Report::History(const quickstart::History& history, const HistorySize& size) {
  Line("history", history.Origin());
  Line("", fmt::format("{}, {}, {} of content", Things(size.puts, "put"), Things(size.deletes, "delete"),
                       ctl::HumanBytes(size.value_bytes)));
  for (const std::string& note : history.notes()) Line("", note);
}

void Report::Store(const std::string& dir, const EngineInfo& info) {
  Line("store", dir);
  Line("", fmt::format("{} slots, values up to {} in the index, engine {}, {}",
                       ctl::HumanBytes(info.slot_bytes), ctl::HumanBytes(info.inline_bytes), info.engine_used,
                       info.durability == Durability::kSynced ? "acknowledged means durable" : "unsynced"));
}

void Report::Replay(const quickstart::History& history, const ReplayResult& replay) {
  Line("replay", fmt::format("{} as versions 1 to {} in {}; {} commits/s in the store itself",
                             Things(history.size(), history.StepName()), history.size(),
                             HumanTime(replay.wall_ns), Count(PerSecond(replay.commits, replay.commit_ns))));
  for (const Survival& kill : replay.kills) {
    Line("SIGKILL", fmt::format("{} {}, {} acknowledged: back in {} at {}",
                                kill.inside_commit() ? "in the middle of commit" : "right after commit",
                                kill.begun, kill.acknowledged, HumanTime(kill.open_ns), kill.came_back));
  }
  Line("", fmt::format("nothing acknowledged was lost; {} at the tips equal to {}",
                       Things(replay.compared.keys, "key"), history.JudgesOwn()));
}

void Report::Snapshots(const EngineInfo& info) {
  std::vector<uint64_t> versions;
  std::string pins;
  for (const SnapshotRow& row : info.snapshots) {
    versions.push_back(row.version.value());
    for (const std::string& pin : row.pins) pins += (pins.empty() ? "" : ", ") + pin;
  }
  Line("snapshots", fmt::format("kept: {}{}", Joined(versions), pins.empty() ? "" : "; pinned: " + pins));
}

void Report::OldVersions(const quickstart::History& history, const Reads& reads) {
  Line("old reads", fmt::format("versions {} of {} reachable, in {}", Joined(reads.versions),
                                Count(reads.reachable), HumanTime(reads.wall_ns)));
  Line("", fmt::format("{}, {}: equal to {}; {} by byte as well", Things(reads.compared.keys, "key"),
                       ctl::HumanBytes(reads.compared.value_bytes), history.JudgesOwn(),
                       Things(reads.compared.bytewise, "value")));
  if (reads.refused > 0)
    Line("", fmt::format("version {} is no longer kept: refused, as it should be", reads.refused));
}

void Report::Rollback(const quickstart::History& history, const RolledBack& rollback) {
  Line("rollback", fmt::format("from {} to {} in {}; {} equal to {}", rollback.from, rollback.to,
                               HumanTime(rollback.rollback_ns), Things(rollback.at_target.keys, "key"),
                               history.JudgesOwn()));
  if (rollback.from > rollback.to) {
    Line("", fmt::format("{} to {} committed again; {} equal to {}", rollback.to + 1, rollback.from,
                         Things(rollback.at_tip.keys, "key"), history.JudgesOwn()));
  }
}

void Report::Check(const Checked& check) {
  Line("check", fmt::format("closed, opened again in {}; deep check clean in {}{}; {} verified",
                            HumanTime(check.reopen_ns), HumanTime(check.check_ns),
                            check.notes == 0 ? "" : fmt::format(" ({})", Things(check.notes, "note")),
                            Things(check.snapshots, "snapshot")));
}

void Report::Space(const EngineInfo& info, const Comparison& tip, const DiskUse& use) {
  const SlotUse& slots = info.slots;
  Line("space", fmt::format("user data now {} in {}; device: {} live, {} pinned by old versions",
                            ctl::HumanBytes(tip.value_bytes), Things(tip.keys, "key"),
                            ctl::HumanBytes(slots.live * info.slot_bytes),
                            ctl::HumanBytes(slots.pinned * info.slot_bytes)));
  Line("", fmt::format("on disk: device file {} (sparse, of {}), index, log and snapshots {}",
                       ctl::HumanBytes(use.device_bytes), ctl::HumanBytes(info.capacity_bytes),
                       ctl::HumanBytes(use.metadata_bytes)));
}

void Report::Result(const quickstart::History& history, const Comparison& all, uint64_t seed) {
  Line("result", fmt::format("every key of every compared version is equal to {}:", history.JudgesOwn()));
  Line("", fmt::format("{} in {}, {}; seed {}", Things(all.keys, "key"), Things(all.versions, "version"),
                       ctl::HumanBytes(all.value_bytes), seed));
}

void Report::Kept(const std::string& store) {
  Line("kept", fmt::format("{} (look at it with: rawkv-ctl info --store={})", store, store));
}

}  // namespace rawkv::quickstart
