#include "tools/quickstart_git_history.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "tools/quickstart_blob_id.h"

namespace rawkv::quickstart {
namespace {

class BlobReader : public ContentReader {
 public:
  explicit BlobReader(std::unique_ptr<GitBlobs> blobs) : blobs_(std::move(blobs)) {}
  Status Read(std::span<const ContentRequest> requests) override {
    std::vector<BlobRequest> blobs;
    for (const ContentRequest& request : requests) blobs.push_back({request.content, request.out});
    return blobs_->Read(blobs);
  }
  Result<std::string> ReadWhole(const std::string& content) override { return blobs_->ReadWhole(content); }

 private:
  std::unique_ptr<GitBlobs> blobs_;
};

}  // namespace

Result<std::unique_ptr<History>> GitHistory::Load(Git git, const HistoryLimits& limits) {
  auto history = std::unique_ptr<GitHistory>(new GitHistory(std::move(git), limits));
  RAWKV_ASSIGN_OR_RETURN(const std::string tip, history->git_.Tip());
  if (tip.empty()) return Status::NotFound("nothing has been committed there yet");
  RAWKV_ASSIGN_OR_RETURN(const auto commits, history->git_.FirstParentCommits(tip, limits.steps));
  RAWKV_ASSIGN_OR_RETURN(history->commits_in_all_, history->git_.CountFirstParentCommits(tip));
  RAWKV_RETURN_IF_ERROR(history->LoadSteps(commits));
  RAWKV_RETURN_IF_ERROR(history->LoadSizes());
  history->Note();
  return std::unique_ptr<History>(std::move(history));
}

Status GitHistory::LoadSteps(const std::vector<std::string>& commits) {
  RAWKV_ASSIGN_OR_RETURN(const auto first, git_.ListTree(commits.front()));
  RAWKV_ASSIGN_OR_RETURN(const auto later, git_.ChangesBetween(commits));
  const auto add = [this](Step* step, GitKind before, GitKind after, const std::string& id,
                          const std::string& path) {
    if (before == GitKind::kSubmodule || after == GitKind::kSubmodule) submodules_.insert(path);
    if (path.size() > limits_.key_bytes) {
      long_paths_.insert(path);
    } else if (after == GitKind::kContent) {
      step->changes.push_back({.key = path, .content = id, .bytes = 0});
    } else if (before == GitKind::kContent) {
      step->changes.push_back({.key = path, .content = "", .bytes = 0});
    }
  };
  Step root{.name = commits.front(), .changes = {}};
  for (const TreeEntry& entry : first) add(&root, GitKind::kAbsent, entry.kind, entry.id, entry.path);
  steps_.push_back(std::move(root));
  for (const CommitChanges& commit : later) {
    Step step{.name = commit.commit, .changes = {}};
    for (const TreeChange& c : commit.changes) add(&step, c.before, c.after, c.id, c.path);
    steps_.push_back(std::move(step));
  }
  return Status::Ok();
}

Status GitHistory::LoadSizes() {
  std::unordered_set<std::string> ids;
  for (const Step& step : steps_) {
    for (const Change& change : step.changes) {
      if (!change.is_delete()) ids.insert(change.content);
    }
  }
  RAWKV_ASSIGN_OR_RETURN(const auto sizes, git_.BlobSizes({ids.begin(), ids.end()}));
  for (Step& step : steps_) {
    for (Change& change : step.changes) {
      if (change.is_delete()) continue;
      const auto size = sizes.find(change.content);
      if (size == sizes.end()) return Status::Internal("git cat-file left out blob " + change.content);
      if (size->second > limits_.value_bytes) {
        oversized_.insert(change.content);
        change.content.clear();  // whatever the key held before must go
      } else {
        change.bytes = size->second;
      }
    }
  }
  return Status::Ok();
}

void GitHistory::Note() {
  if (!submodules_.empty()) notes_.push_back(fmt::format("submodules left out: {}", submodules_.size()));
  if (!oversized_.empty()) {
    notes_.push_back(
        fmt::format("files above {} MiB left out: {}", limits_.value_bytes >> 20, oversized_.size()));
  }
  if (!long_paths_.empty()) {
    notes_.push_back(
        fmt::format("paths above {} KiB left out: {}", limits_.key_bytes >> 10, long_paths_.size()));
  }
}

std::string GitHistory::Origin() const {
  const std::string which = size() < commits_in_all_
                                ? fmt::format("the newest {} of {} commits", size(), commits_in_all_)
                                : fmt::format("{} commit{}", size(), size() == 1 ? "" : "s");
  return fmt::format("git history of {}: {}, first-parent, {}", git_.dir(), which, git_.hash_name());
}

Result<std::unique_ptr<ContentReader>> GitHistory::OpenContent() const {
  RAWKV_ASSIGN_OR_RETURN(auto blobs, git_.OpenBlobs());
  return std::unique_ptr<ContentReader>(std::make_unique<BlobReader>(std::move(blobs)));
}

bool GitHistory::TakesPart(const TreeEntry& entry) const {
  return entry.kind == GitKind::kContent && entry.path.size() <= limits_.key_bytes &&
         !oversized_.contains(entry.id);
}

Result<std::vector<Expected>> GitHistory::ListingAt(uint64_t number) const {
  std::vector<Expected> out;
  if (number == 0) return out;
  RAWKV_ASSIGN_OR_RETURN(auto entries, git_.ListTree(step(number).name));
  for (TreeEntry& entry : entries) {
    if (TakesPart(entry)) out.push_back({.key = std::move(entry.path), .content = std::move(entry.id)});
  }
  // git's order is that of paths with their directories; the store's is that of bytes.
  std::sort(out.begin(), out.end(), [](const Expected& a, const Expected& b) { return a.key < b.key; });
  return out;
}

Result<bool> GitHistory::Matches(const Expected& expected, ConstBytes value) const {
  return GitBlobId(git_.hash_name(), value) == expected.content;
}

}  // namespace rawkv::quickstart
