#include "tools/bench/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/unique_fd.h"
#include "tools/bench/values.h"

namespace rawkv::bench {
namespace {

namespace stdfs = std::filesystem;

// Calls `fn` with the path of each regular file. A store may remove a file meanwhile.
template <typename Fn>
Status ForEachFile(const std::string& dir, const Fn& fn) {
  std::error_code error;
  stdfs::recursive_directory_iterator it(dir, error), end;
  while (!error && it != end) {
    std::error_code gone;
    if (it->is_regular_file(gone) && !it->is_symlink(gone)) {
      const Status status = fn(it->path().string());
      if (!status.ok()) return status;
    }
    it.increment(error);
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return Status::FromErrno(error.value(), "listing " + dir);
  }
  return Status::Ok();
}

}  // namespace

Result<uint64_t> AllocatedBytes(const std::string& dir, std::string_view without) {
  constexpr uint64_t kUnit = 512;  // of st_blocks
  uint64_t bytes = 0;
  RAWKV_RETURN_IF_ERROR(ForEachFile(dir, [&](const std::string& path) {
    struct stat file {};
    const bool counts = path != stdfs::path(dir) / without && stat(path.c_str(), &file) == 0;
    // A hard link counts as a part of the file.
    if (counts) bytes += static_cast<uint64_t>(file.st_blocks) * kUnit / file.st_nlink;
    return Status::Ok();
  }));
  return bytes;
}

Status DropFromPageCache(const std::string& dir) {
  return ForEachFile(dir, [](const std::string& path) {
    const UniqueFd file = OpenUninterrupted(path, O_RDONLY);
    if (!file.valid()) return Status::FromErrno(errno, "opening " + path);
    if (fdatasync(file.get()) != 0) return Status::FromErrno(errno, "syncing " + path);
    const int error = posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
    return error == 0 ? Status::Ok() : Status::FromErrno(error, "dropping the pages of " + path);
  });
}

Result<uint64_t> WrittenBytes() {
  std::ifstream file("/proc/self/io");
  std::string name;
  for (uint64_t value = 0; file >> name >> value;) {
    if (name == "write_bytes:") return value;
  }
  return Status::NotSupported("the kernel does not count the bytes that a process writes (/proc/self/io)");
}

Status MakeFilledFile(const std::string& path, uint64_t bytes) {
  std::error_code error;
  if (stdfs::file_size(path, error) == bytes && !error) return Status::Ok();
  const UniqueFd file = OpenUninterrupted(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (!file.valid()) return Status::FromErrno(errno, "making " + path);
  constexpr uint64_t kPart = 1 << 20;
  for (uint64_t at = 0; at < bytes; at += kPart) {
    const ConstBytes part = ValueOf(at, std::min(kPart, bytes - at));
    const ssize_t written = pwrite(file.get(), part.data(), part.size(), static_cast<off_t>(at));
    if (written < 0) return Status::FromErrno(errno, "writing " + path);
    if (static_cast<size_t>(written) != part.size()) return Status::NoSpace("writing " + path);
  }
  if (fsync(file.get()) != 0) return Status::FromErrno(errno, "syncing " + path);
  return Status::Ok();
}

}  // namespace rawkv::bench
