#include "engine/store_dir.h"

#include <filesystem>

#include "base/fs_ops.h"

namespace rawkv {

std::string AbsolutePath(const std::string& path) {
  std::error_code ignored;  // only the working directory can fail, and then the path stays relative
  const std::filesystem::path absolute = std::filesystem::absolute(path, ignored);
  std::string text = (ignored ? std::filesystem::path(path) : absolute).lexically_normal().string();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

Result<std::string> ResolveStoreDir(Fs& fs, const std::string& dir) {
  if (dir.empty()) return Status::InvalidArgument("the store's directory has no name");
  std::string path = AbsolutePath(dir);
  constexpr int kMaxLinks = 40;
  for (int i = 0; i < kMaxLinks; ++i) {
    const Result<FileStat> stat = fs.Stat(path);
    if (!stat.ok() || stat->kind != FileKind::kSymlink) return path;
    RAWKV_ASSIGN_OR_RETURN(const std::string target, fs.ReadLink(path));
    path = AbsolutePath(target.starts_with('/') ? target : JoinPath(ParentPath(path), target));
  }
  return Status::InvalidArgument(dir + ": too many symbolic links");
}

}  // namespace rawkv
