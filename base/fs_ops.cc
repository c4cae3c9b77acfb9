#include "base/fs_ops.h"

#include <algorithm>
#include <cstddef>
#include <functional>

namespace rawkv {
namespace {

constexpr std::string_view kAsideSuffix = ".damaged";
constexpr std::string_view kRemovingSuffix = ".removing";
constexpr int kMaxNames = 1000;  // of one name

constexpr size_t kCopyBytes = 1 << 20;

bool IsNotFound(const Status& status) {
  return status.code() == StatusCode::kNotFound;
}

Status TooLarge(const std::string& path, uint64_t max_bytes) {
  return Status::Corruption("read " + path + ": larger than its limit of " + std::to_string(max_bytes) +
                            " bytes");
}

// Calls `visit` for every entry below `root` that is not a directory. Returns the directories, each after its
// parent. Skips entries that vanish meanwhile. Not recursive, so that a deep tree cannot exhaust the stack.
Result<std::vector<std::string>> Walk(Fs& fs, const std::string& root,
                                      const std::function<Status(const std::string&, FileKind)>& visit) {
  std::vector<std::string> dirs{root};
  for (size_t i = 0; i < dirs.size(); ++i) {
    const std::string dir = dirs[i];  // a copy: `dirs` grows below
    const Result<std::vector<std::string>> names = fs.List(dir);
    if (!names.ok() && IsNotFound(names.status())) continue;
    if (!names.ok()) return names.status();
    for (const std::string& name : *names) {
      std::string path = JoinPath(dir, name);
      const Result<FileStat> stat = fs.Stat(path);
      if (!stat.ok() && IsNotFound(stat.status())) continue;
      if (!stat.ok()) return stat.status();
      if (stat->kind == FileKind::kDirectory) {
        dirs.push_back(std::move(path));
      } else {
        RAWKV_RETURN_IF_ERROR(visit(path, stat->kind));
      }
    }
  }
  return dirs;
}

Status CopyContent(File& from, File& to, const std::string& from_path, uint64_t max_bytes) {
  std::vector<std::byte> buffer(kCopyBytes);
  for (uint64_t offset = 0;;) {
    RAWKV_ASSIGN_OR_RETURN(const size_t got, from.ReadAt(offset, buffer));
    if (got > max_bytes - offset) return TooLarge(from_path, max_bytes);
    RAWKV_RETURN_IF_ERROR(to.WriteAt(offset, ConstBytes(buffer).first(got)));
    offset += got;
    if (got < buffer.size()) return to.Sync();
  }
}

Status WriteTmp(Fs& fs, const std::string& tmp, ConstBytes bytes) {
  // Removes a leftover instead of reusing it: it may be a link, or a hard link to an unrelated file.
  if (const Status removed = fs.RemoveFile(tmp); !removed.ok() && !IsNotFound(removed)) return removed;
  RAWKV_ASSIGN_OR_RETURN(const auto file, fs.Open(tmp, OpenMode::kCreateNew));
  RAWKV_RETURN_IF_ERROR(file->WriteAt(0, bytes));
  return file->Sync();
}

// Frees the space of a failed write if possible, and returns the error.
Status GiveUpTmp(Fs& fs, const std::string& tmp, const Status& error) {
  (void)fs.RemoveFile(tmp).ok();
  return error;
}

}  // namespace

std::string JoinPath(std::string_view dir, std::string_view name) {
  std::string path(dir);
  if (!path.empty() && path.back() != '/') path.push_back('/');
  return path.append(name);
}

std::string ParentPath(std::string_view path) {
  const auto drop_slashes = [&path] {
    while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  };
  drop_slashes();
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  path = path.substr(0, slash + 1);
  drop_slashes();
  return std::string(path);
}

Status AbsentIsOk(const Status& status) {
  return status.code() == StatusCode::kNotFound ? Status::Ok() : status;
}

Result<bool> Exists(Fs& fs, const std::string& path) {
  const Result<FileStat> stat = fs.Stat(path);
  if (stat.ok()) return true;
  if (IsNotFound(stat.status())) return false;
  return stat.status();
}

Result<std::string> ReadFile(Fs& fs, const std::string& path, uint64_t max_bytes) {
  RAWKV_ASSIGN_OR_RETURN(const auto file, fs.Open(path, OpenMode::kRead));
  RAWKV_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  if (size > max_bytes) return TooLarge(path, max_bytes);
  std::string content(size, '\0');
  RAWKV_ASSIGN_OR_RETURN(const size_t got, file->ReadAt(0, AsWritableBytes(content)));
  content.resize(got);
  return content;
}

Status WriteFileAtomic(Fs& fs, const std::string& path, ConstBytes bytes) {
  const std::string tmp = path + ".tmp";
  Status status = WriteTmp(fs, tmp, bytes);
  if (status.ok()) status = fs.Rename(tmp, path);
  return status.ok() ? fs.SyncDir(ParentPath(path)) : GiveUpTmp(fs, tmp, status);
}

Status WriteTwoFilesAtomic(Fs& fs, const std::string& first, const std::string& second, ConstBytes bytes) {
  const std::string tmp = second + ".tmp";
  Status status = WriteTmp(fs, tmp, bytes);
  if (status.ok()) status = WriteFileAtomic(fs, first, bytes);
  if (status.ok()) status = fs.Rename(tmp, second);
  return status.ok() ? fs.SyncDir(ParentPath(second)) : GiveUpTmp(fs, tmp, status);
}

Status CopyFileSynced(Fs& fs, const std::string& from, const std::string& to, uint64_t max_bytes) {
  RAWKV_ASSIGN_OR_RETURN(const auto source, fs.Open(from, OpenMode::kRead));
  RAWKV_ASSIGN_OR_RETURN(const uint64_t size, source->Size());
  if (size > max_bytes) return TooLarge(from, max_bytes);
  RAWKV_ASSIGN_OR_RETURN(const auto target, fs.Open(to, OpenMode::kCreateNew));
  const Status copied = CopyContent(*source, *target, from, max_bytes);
  if (!copied.ok()) (void)fs.RemoveFile(to).ok();
  return copied;
}

Result<bool> LinkOrCopy(Fs& fs, const std::string& from, const std::string& to, uint64_t max_bytes) {
  const Status linked = fs.Link(from, to);
  if (linked.ok()) return false;
  if (linked.code() != StatusCode::kFailedPrecondition) return linked;
  RAWKV_RETURN_IF_ERROR(CopyFileSynced(fs, from, to, max_bytes));
  return true;
}

bool IsAsideName(std::string_view name) {
  const size_t at = name.rfind(kAsideSuffix);
  if (at == std::string_view::npos || at == 0) return false;
  std::string_view rest = name.substr(at + kAsideSuffix.size());
  if (rest.empty()) return true;
  return rest.size() > 1 && rest.front() == '.' &&
         rest.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

Result<std::string> ChooseAsideName(Fs& fs, const std::string& path) {
  for (int n = 0; n < kMaxNames; ++n) {
    std::string aside = path + std::string(kAsideSuffix) + (n == 0 ? "" : "." + std::to_string(n));
    RAWKV_ASSIGN_OR_RETURN(const bool taken, Exists(fs, aside));
    if (!taken) return aside;
  }
  return Status::FailedPrecondition(path + ": " + std::to_string(kMaxNames) +
                                    " damaged copies were moved aside already; remove some of them");
}

Status MakeDirSynced(Fs& fs, const std::string& dir) {
  RAWKV_RETURN_IF_ERROR(fs.MakeDir(dir));
  Status synced = fs.SyncDir(ParentPath(dir));
  if (!synced.ok()) (void)fs.RemoveDir(dir).ok();  // the first error is the one to return
  return synced;
}

Status RemoveTree(Fs& fs, const std::string& path) {
  // Another process may remove the same leftover at the same time.
  const auto absent_is_ok = [](const Status& status) { return IsNotFound(status) ? Status::Ok() : status; };
  const Result<FileStat> stat = fs.Stat(path);
  if (!stat.ok()) return absent_is_ok(stat.status());
  if (stat->kind != FileKind::kDirectory) return absent_is_ok(fs.RemoveFile(path));

  Status first;
  const auto keep_first = [&first](Status status) {
    if (first.ok()) first = std::move(status);
  };
  RAWKV_ASSIGN_OR_RETURN(const std::vector<std::string> dirs,
                         Walk(fs, path, [&](const std::string& file, FileKind) -> Status {
                           keep_first(absent_is_ok(fs.RemoveFile(file)));
                           return {};
                         }));
  for (auto dir = dirs.rbegin(); dir != dirs.rend(); ++dir) {
    keep_first(absent_is_ok(fs.RemoveDir(*dir)));
  }
  return first;
}

void SweepTree(Fs& fs, const std::string& path, Logger& logger) {
  const Status removed = RemoveTree(fs, path);
  if (removed.ok()) return;
  logger.Log(LogLevel::kWarning, path + ": no longer used, but cannot be deleted now (" + removed.message() +
                                     "); the next open tries again");
}

Result<std::string> ChooseRemovingName(Fs& fs, const std::string& path) {
  for (int n = -1; n < kMaxNames; ++n) {
    std::string name = path + (n < 0 ? "" : "." + std::to_string(n)) + std::string(kRemovingSuffix);
    RAWKV_ASSIGN_OR_RETURN(const bool taken, Exists(fs, name));
    if (!taken) return name;
  }
  return Status::FailedPrecondition(path + ": " + std::to_string(kMaxNames) +
                                    " leftovers of it could not be deleted; delete them (rm -r " + path +
                                    ".*.removing)");
}

Status FreePath(Fs& fs, const std::string& path, Logger& logger) {
  const Status removed = RemoveTree(fs, path);
  if (removed.ok()) return {};
  RAWKV_ASSIGN_OR_RETURN(const std::string removing, ChooseRemovingName(fs, path));
  if (!fs.Rename(path, removing).ok()) return removed;
  logger.Log(LogLevel::kWarning, removing + ": no longer used, but cannot be deleted now (" +
                                     removed.message() + "); the next open tries again");
  return {};
}

bool IsLostAndFound(Fs& fs, const std::string& dir, const std::string& name) {
  if (name != "lost+found") return false;
  const Result<FileStat> stat = fs.Stat(JoinPath(dir, name));
  return stat.ok() && stat->kind == FileKind::kDirectory;
}

Status SyncTree(Fs& fs, const std::string& path) {
  RAWKV_ASSIGN_OR_RETURN(const std::vector<std::string> dirs,
                         Walk(fs, path, [&](const std::string& file, FileKind kind) -> Status {
                           if (kind != FileKind::kRegular) return {};
                           RAWKV_ASSIGN_OR_RETURN(const auto opened, fs.Open(file, OpenMode::kRead));
                           return opened->Sync();
                         }));
  for (auto dir = dirs.rbegin(); dir != dirs.rend(); ++dir) {
    RAWKV_RETURN_IF_ERROR(fs.SyncDir(*dir));
  }
  return {};
}

}  // namespace rawkv
