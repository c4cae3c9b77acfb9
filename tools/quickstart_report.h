#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/api/info.h"
#include "tools/quickstart_history.h"
#include "tools/quickstart_survival.h"

namespace rawkv::quickstart {

// What a store takes on disk.
struct DiskUse {
  uint64_t device_bytes = 0;    // blocks that the device file really has
  uint64_t metadata_bytes = 0;  // all else: index, snapshots (shared files once), log
};
DiskUse MeasureDiskUse(const std::string& store, const std::string& device);

// The report, a few lines a stage, on standard output as each stage ends.
class Report {
 public:
  explicit Report(StageProgress& progress) : progress_(progress) {}

  void History(const quickstart::History& history, const HistorySize& size);
  void Store(const std::string& dir, const EngineInfo& info);
  void Replay(const quickstart::History& history, const ReplayResult& replay);
  void Snapshots(const EngineInfo& info);
  struct Reads {
    std::vector<uint64_t> versions;
    uint64_t reachable = 0;  // versions that could have been read
    Comparison compared;
    uint64_t refused = 0;  // a version no longer kept that was asked for and refused; 0 = none
    uint64_t wall_ns = 0;
  };
  void OldVersions(const quickstart::History& history, const Reads& reads);
  struct RolledBack {
    uint64_t from = 0, to = 0;
    uint64_t rollback_ns = 0;
    Comparison at_target;
    Comparison at_tip;  // after the rest was committed again
  };
  void Rollback(const quickstart::History& history, const RolledBack& rollback);
  struct Checked {
    uint64_t reopen_ns = 0;
    uint64_t check_ns = 0;
    size_t notes = 0;  // what the next open would put right
    size_t snapshots = 0;
  };
  void Check(const Checked& check);
  void Space(const EngineInfo& info, const Comparison& tip, const DiskUse& use);
  void Result(const quickstart::History& history, const Comparison& all, uint64_t seed);
  void Kept(const std::string& store);

 private:
  void Line(std::string_view label, const std::string& text);

  StageProgress& progress_;
};

}  // namespace rawkv::quickstart
