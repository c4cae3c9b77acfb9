#include "engine/store_lock.h"

#include <unistd.h>

#include <charconv>

#include "engine/store_paths.h"

namespace rawkv {
namespace {

std::string HostName() {
  char name[256] = {};
  if (gethostname(name, sizeof(name) - 1) != 0) return "unknown";
  return name;
}

// "pid host start_unix_ms\n": for people and `info`; never believed for locking.
Status WriteHolder(Fs& fs, Clock& clock, const std::string& path) {
  RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, fs.Open(path, OpenMode::kReadWrite));
  const std::string text =
      std::to_string(getpid()) + " " + HostName() + " " + std::to_string(clock.NowUnixMs()) + "\n";
  RAWKV_RETURN_IF_ERROR(file->Truncate(0));
  return file->WriteAt(0, AsBytes(text));
}

}  // namespace

std::optional<WriterInfo> ReadLockHolder(Fs& fs, const std::string& store_dir) {
  Result<std::string> text = ReadFile(fs, StorePaths(store_dir).lock(), 4096);
  if (!text.ok()) return std::nullopt;
  WriterInfo info;
  const char* end = text->data() + text->size();
  const auto [rest, error] = std::from_chars(text->data(), end, info.pid);
  if (error != std::errc() || rest == end) return std::nullopt;
  const std::string_view tail(rest + 1, static_cast<size_t>(end - rest - 1));
  info.host = std::string(tail.substr(0, tail.find(' ')));
  return info;
}

Result<std::unique_ptr<StoreLock>> StoreLock::Acquire(Fs& fs, Clock& clock, const std::string& store_dir,
                                                      Holder holder) {
  const std::string path = StorePaths(store_dir).lock();
  Result<std::unique_ptr<FileLock>> lock = fs.Lock(path);
  if (!lock.ok()) {
    if (lock.status().code() != StatusCode::kBusy) return lock.status();
    const std::optional<WriterInfo> other = ReadLockHolder(fs, store_dir);
    std::string who =
        other ? "process " + std::to_string(other->pid) + " on " + other->host : "another process";
    return Status::Busy(store_dir + " is open in " + who + "; close it there first");
  }
  const bool writable = !(*lock)->read_only();
  if (writable || holder == Holder::kWriter) {
    const Status written = WriteHolder(fs, clock, path);
    // A full filesystem must not keep anyone from pruning: the holder's name is a courtesy.
    if (!written.ok() && written.code() != StatusCode::kNoSpace) return written;
  }
  return std::unique_ptr<StoreLock>(new StoreLock(*std::move(lock), writable));
}

}  // namespace rawkv
