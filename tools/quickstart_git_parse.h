#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// What git's plumbing prints under -z, where a path is any bytes but NUL. Pure; every function answers
// kInternal, naming the place, for text that git would not print.
namespace rawkv::quickstart {

enum class GitKind : uint8_t {
  kAbsent,     // the path is not there on this side of a change
  kContent,    // a file, or a symlink (whose content is its target)
  kSubmodule,  // a commit of another repository; not content of this one
};

struct TreeEntry {
  GitKind kind = GitKind::kContent;
  std::string id;  // of the blob, hex
  std::string path;
};

struct TreeChange {
  GitKind before = GitKind::kAbsent;
  GitKind after = GitKind::kAbsent;
  std::string id;  // of the blob after the change
  std::string path;
};

struct CommitChanges {
  std::string commit;
  std::vector<TreeChange> changes;
};

// `git ls-tree -r -z`, in git's order.
Result<std::vector<TreeEntry>> ParseTree(std::string_view text);

// `git diff-tree --stdin --always -r -z --no-abbrev`: each commit's id, then its raw changes.
Result<std::vector<CommitChanges>> ParseChanges(std::string_view text);

// The heading of one answer of `git cat-file --batch` or `--batch-check`.
struct ObjectHeading {
  std::string id;
  std::string type;  // "blob", …, or "missing"
  uint64_t bytes = 0;
};
Result<ObjectHeading> ParseHeading(std::string_view line);

}  // namespace rawkv::quickstart
