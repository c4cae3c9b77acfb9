#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "tools/quickstart_git_parse.h"
#include "tools/quickstart_process.h"

namespace rawkv::quickstart {

// The content of one blob, read to where the caller wants it; its size is known beforehand.
struct BlobRequest {
  std::string id;
  Bytes out;
};

// A `git cat-file --batch` that stays. Not thread-safe; not to be shared with a forked process.
class GitBlobs {
 public:
  explicit GitBlobs(std::unique_ptr<ChildProcess> child) : child_(std::move(child)) {}
  Status Read(std::span<const BlobRequest> requests);
  Result<std::string> ReadWhole(const std::string& id);

 private:
  Result<uint64_t> ReadHeading(const std::string& id);
  Status ReadEnd();

  std::unique_ptr<ChildProcess> child_;
};

// Asks the git program about one repository, only reading. Each call starts a git of its own, with an
// environment that makes its answers those of the objects alone: no replacements, no grafts, no
// GIT_DIR or index of whoever started us; and somebody else's clone is fine. Errors: what git said, as
// kIoError. Thread-safe.
class Git {
 public:
  // `dir`: the top of a working tree, or a bare repository. kNotFound, with the reason: it is neither,
  // or there is no git program.
  static Result<Git> Open(const std::string& dir);

  const std::string& dir() const { return dir_; }
  const std::string& hash_name() const { return hash_name_; }  // of object ids: "sha1" or "sha256"

  // The commit of HEAD, or, where HEAD names a branch that is not there, of the branch committed to
  // last; "" if nothing has been committed yet.
  Result<std::string> Tip() const;
  // The first-parent history of `tip`, oldest first, its newest `max` commits (0 = all).
  Result<std::vector<std::string>> FirstParentCommits(const std::string& tip, uint64_t max) const;
  Result<uint64_t> CountFirstParentCommits(const std::string& tip) const;
  Result<std::vector<TreeEntry>> ListTree(const std::string& commit) const;
  // What each commit but the first changed against the one before it in the list.
  Result<std::vector<CommitChanges>> ChangesBetween(const std::vector<std::string>& commits) const;
  // Size by id. kIoError if one is missing (a partial clone that cannot fetch).
  Result<std::unordered_map<std::string, uint64_t>> BlobSizes(const std::vector<std::string>& ids) const;
  Result<std::unique_ptr<GitBlobs>> OpenBlobs() const;

 private:
  Git() = default;
  Command Ask(std::vector<std::string> arguments) const;

  std::string dir_;
  std::string hash_name_;
};

}  // namespace rawkv::quickstart
