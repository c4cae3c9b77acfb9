#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tools/quickstart_history.h"

namespace rawkv::quickstart {

// Where there is no git: the files below a directory, added some at a time, and judged by the files
// themselves. Key = path below the directory, value = content (of a symlink: its target). Left out:
// .git, directories that CMake builds in, and what cannot be read. The files must stay as they are
// meanwhile; one that changes is an error that says so.
class TreeHistory : public History {
 public:
  // `why` says why it is not a git history. kNotFound: no files there.
  static Result<std::unique_ptr<History>> Load(const std::string& dir, const std::string& why,
                                               const HistoryLimits& limits);

  std::string Origin() const override;
  std::string JudgesOwn() const override { return "the files'"; }
  std::string StepName() const override { return "step"; }
  Result<std::unique_ptr<ContentReader>> OpenContent() const override;
  Result<std::vector<Expected>> ListingAt(uint64_t number) const override;
  Result<bool> Matches(const Expected& expected, ConstBytes value) const override;

 private:
  TreeHistory(std::string dir, std::string why) : dir_(std::move(dir)), why_(std::move(why)) {}
  Status Collect(const HistoryLimits& limits);
  void MakeSteps(uint64_t steps_max);

  // Constant after Load.
  std::string dir_;
  std::string why_;
  std::vector<Change> files_;                 // in byte order; content = key
  std::vector<uint64_t> files_through_step_;  // how many of them there are at step N + 1
  uint64_t left_out_ = 0;
};

}  // namespace rawkv::quickstart
