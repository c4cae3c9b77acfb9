#pragma once

#include <memory>
#include <string>
#include <unordered_set>

#include "tools/quickstart_git.h"
#include "tools/quickstart_history.h"

namespace rawkv::quickstart {

// The first-parent history of a repository: key = path, value = content (of a symlink: its target).
// The oldest commit taken counts as one that adds its whole tree: so does git in a shallow clone.
// Submodules are left out: they are content of other repositories.
class GitHistory : public History {
 public:
  // kNotFound: nothing has been committed there yet.
  static Result<std::unique_ptr<History>> Load(Git git, const HistoryLimits& limits);

  std::string Origin() const override;
  std::string JudgesOwn() const override { return "git's"; }
  std::string StepName() const override { return "commit"; }
  Result<std::unique_ptr<ContentReader>> OpenContent() const override;
  Result<std::vector<Expected>> ListingAt(uint64_t number) const override;
  Result<bool> Matches(const Expected& expected, ConstBytes value) const override;

 private:
  GitHistory(Git git, const HistoryLimits& limits) : git_(std::move(git)), limits_(limits) {}
  Status LoadSteps(const std::vector<std::string>& commits);
  // Gives changes their sizes, and turns those to a value that is too large into deletions.
  Status LoadSizes();
  void Note();
  bool TakesPart(const TreeEntry& entry) const;

  // Constant after Load.
  Git git_;
  HistoryLimits limits_;
  uint64_t commits_in_all_ = 0;
  std::unordered_set<std::string> oversized_;   // blob ids
  std::unordered_set<std::string> submodules_;  // paths
  std::unordered_set<std::string> long_paths_;
};

}  // namespace rawkv::quickstart
