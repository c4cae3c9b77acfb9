#include "base/resolve_path.h"

#include <filesystem>

#include "base/fs_ops.h"

namespace rawkv {
namespace {

constexpr int kMaxLinks = 40;  // Linux follows as many in one path

// Removes the first component from `rest` and returns it; skips "." and empty components. "" at the end.
std::string TakeComponent(std::string& rest) {
  for (;;) {
    rest.erase(0, rest.find_first_not_of('/'));
    std::string name = rest.substr(0, rest.find('/'));
    rest.erase(0, name.size());
    if (name != ".") return name;
  }
}

}  // namespace

std::string AbsolutePath(const std::string& path) {
  std::string out = path;
  if (!out.starts_with('/')) {
    std::error_code error;
    const std::string working_directory = std::filesystem::current_path(error).string();
    if (!error) out = JoinPath(working_directory, path);  // after an error the path stays relative
  }
  while (out.size() > 1 && out.ends_with('/')) out.pop_back();
  return out;
}

std::string ResolvePath(Fs& fs, const std::string& path) {
  std::string rest = AbsolutePath(path);
  if (!rest.starts_with('/')) return rest;
  std::string resolved = "/";
  for (int links = 0;;) {
    const std::string name = TakeComponent(rest);
    if (name.empty()) return resolved;
    if (name == "..") {
      resolved = ParentPath(resolved);  // correct, since `resolved` contains no links
      continue;
    }
    const std::string next = JoinPath(resolved, name);
    const Result<FileStat> stat = fs.Stat(next);
    if (stat.ok() && stat->kind == FileKind::kDirectory) {
      resolved = next;
      continue;
    }
    if (!stat.ok() || stat->kind != FileKind::kSymlink || ++links > kMaxLinks) return next + rest;
    const Result<std::string> target = fs.ReadLink(next);
    if (!target.ok()) return next + rest;
    if (target->starts_with('/')) resolved = "/";
    rest = *target + rest;
  }
}

}  // namespace rawkv
