#include "snapshot/snapshot_files.h"

#include <map>
#include <optional>
#include <set>

#include "base/fs_ops.h"

namespace rawkv {
namespace {

bool IsNotFound(const Status& status) {
  return status.code() == StatusCode::kNotFound;
}

// Empty if the path does not exist.
Result<std::optional<FileStat>> StatIfPresent(Fs& fs, const std::string& path) {
  const Result<FileStat> stat = fs.Stat(path);
  if (stat.ok()) return std::optional<FileStat>(*stat);
  if (IsNotFound(stat.status())) return std::optional<FileStat>();
  return stat.status();
}

// Whether every component above `path` is a directory. Checks from the top, so that it follows no link.
// `known` caches the answers.
Result<bool> ParentsAreDirectories(Fs& fs, const std::string& root, const std::string& path,
                                   std::map<std::string, bool>& known) {
  for (size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const std::string dir = path.substr(0, slash);
    auto answer = known.find(dir);
    if (answer == known.end()) {
      RAWKV_ASSIGN_OR_RETURN(const std::optional<FileStat> stat, StatIfPresent(fs, JoinPath(root, dir)));
      answer = known.emplace(dir, stat.has_value() && stat->kind == FileKind::kDirectory).first;
    }
    if (!answer->second) return false;
  }
  return true;
}

}  // namespace

Result<std::vector<FileProblem>> CheckListedFiles(Fs& fs, const std::string& snapshot_dir,
                                                  const std::vector<ManifestFile>& files) {
  std::vector<FileProblem> problems;
  std::map<std::string, bool> known_dirs;
  for (const ManifestFile& file : files) {
    RAWKV_ASSIGN_OR_RETURN(const bool reachable,
                           ParentsAreDirectories(fs, snapshot_dir, file.path, known_dirs));
    std::optional<FileStat> stat;
    if (reachable) {
      RAWKV_ASSIGN_OR_RETURN(stat, StatIfPresent(fs, JoinPath(snapshot_dir, file.path)));
    }
    if (!stat.has_value()) {
      problems.push_back({file.path, file.path + " is missing"});
    } else if (stat->kind != FileKind::kRegular) {
      problems.push_back({file.path, file.path + " is not a regular file"});
    } else if (stat->size_bytes != file.size_bytes) {
      problems.push_back({file.path, file.path + " has " + std::to_string(stat->size_bytes) +
                                         " bytes, expected " + std::to_string(file.size_bytes)});
    }
  }
  return problems;
}

Result<std::vector<std::string>> FindUnlistedEntries(Fs& fs, const std::string& snapshot_dir,
                                                     const std::vector<ManifestFile>& files) {
  std::set<std::string> listed = {"MANIFEST"};
  std::set<std::string> listed_dirs;
  for (const ManifestFile& file : files) {
    listed.insert(file.path);
    for (size_t slash = file.path.find('/'); slash != std::string::npos;
         slash = file.path.find('/', slash + 1)) {
      listed_dirs.insert(file.path.substr(0, slash));
    }
  }

  std::vector<std::string> unlisted;
  std::vector<std::string> to_visit = {""};
  for (size_t i = 0; i < to_visit.size(); ++i) {
    const std::string dir = to_visit[i];  // a copy: `to_visit` grows below
    const Result<std::vector<std::string>> names = fs.List(JoinPath(snapshot_dir, dir));
    if (!names.ok()) return names.status();
    for (const std::string& name : *names) {
      const std::string path = dir.empty() ? name : JoinPath(dir, name);
      RAWKV_ASSIGN_OR_RETURN(const std::optional<FileStat> stat,
                             StatIfPresent(fs, JoinPath(snapshot_dir, path)));
      if (!stat.has_value()) continue;
      const bool is_directory = stat->kind == FileKind::kDirectory;
      if (is_directory && listed_dirs.contains(path)) {
        to_visit.push_back(path);
      } else if (is_directory || !listed.contains(path)) {
        unlisted.push_back(path);
      }
    }
  }
  return unlisted;
}

}  // namespace rawkv
