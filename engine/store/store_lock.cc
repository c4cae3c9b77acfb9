#include "engine/store/store_lock.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <string_view>
#include <thread>

#include "engine/store/store_paths.h"

namespace rawkv {
namespace {

constexpr std::string_view kLooking = " looking\n";
constexpr uint64_t kPauseMs = 2;
constexpr uint64_t kLongPauseMs = 50;  // after the wait for a looker
constexpr uint64_t kWaitForWriterMs = 50;
constexpr uint64_t kWaitForLookerMs = 2000;

std::string HostName() {
  char name[256] = {};
  if (gethostname(name, sizeof(name) - 1) != 0) return "unknown";
  return name;
}

// Writes "pid host start_unix_ms", then " looking" unless the holder is a writer, then a newline. People and
// `info` read it, and a writer decides by it how long to wait. Only the lock itself decides who holds it.
Status WriteHolder(Fs& fs, Clock& clock, const std::string& path, StoreLock::Holder holder) {
  RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, fs.Open(path, OpenMode::kReadWrite));
  const std::string text = std::to_string(getpid()) + " " + HostName() + " " +
                           std::to_string(clock.NowUnixMs()) +
                           std::string(holder == StoreLock::Holder::kWriter ? "\n" : kLooking);
  // Writes over the old text before the truncation: a truncation first could lose the last block of a full
  // filesystem.
  RAWKV_RETURN_IF_ERROR(file->WriteAt(0, AsBytes(text)));
  return file->Truncate(text.size());
}

// Whether LOCK names a process that has ended. Then the holder of the lock has not written its own name yet.
bool NamesEndedProcess(Fs& fs, const std::string& store_dir) {
  const std::optional<WriterInfo> named = ReadLockHolder(fs, store_dir);
  return named && named->host == HostName() && ::kill(static_cast<pid_t>(named->pid), 0) != 0 &&
         errno == ESRCH;
}

bool IsWorthWaitingFor(Fs& fs, const std::string& store_dir) {
  const Result<std::string> text = ReadFile(fs, StorePaths(store_dir).lock(), 4096);
  return text.ok() && (text->empty() || text->ends_with(kLooking) || NamesEndedProcess(fs, store_dir));
}

// How long `holder` waits for the present one. A writer waits for holders that only look. It waits a short
// time for a writer, too, in which one that has just taken the lock can write its name.
uint64_t WaitMsOf(Fs& fs, const std::string& store_dir, StoreLock::Holder holder) {
  if (holder != StoreLock::Holder::kWriter) return 0;
  return IsWorthWaitingFor(fs, store_dir) ? kWaitForLookerMs : kWaitForWriterMs;
}

Result<std::unique_ptr<FileLock>> LockWithin(Fs& fs, const std::string& store_dir, StoreLock::Holder holder,
                                             uint64_t wait_ms) {
  const std::string path = StorePaths(store_dir).lock();
  for (uint64_t waited_ms = 0;;) {
    Result<std::unique_ptr<FileLock>> lock = fs.Lock(path);
    if (lock.status().code() != StatusCode::kBusy) return lock;
    if (waited_ms >= std::max(wait_ms, WaitMsOf(fs, store_dir, holder))) return lock;
    const uint64_t pause_ms = waited_ms < kWaitForLookerMs ? kPauseMs : kLongPauseMs;
    std::this_thread::sleep_for(std::chrono::milliseconds(pause_ms));
    waited_ms += pause_ms;
  }
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
                                                      Holder holder, uint64_t wait_ms) {
  const std::string path = StorePaths(store_dir).lock();
  Result<std::unique_ptr<FileLock>> lock = LockWithin(fs, store_dir, holder, wait_ms);
  if (!lock.ok()) {
    if (lock.status().code() != StatusCode::kBusy) return lock.status();
    const std::optional<WriterInfo> other = ReadLockHolder(fs, store_dir);
    std::string who =
        other ? "process " + std::to_string(other->pid) + " on " + other->host : "another process";
    return Status::Busy(store_dir + " is open in " + who + "; close it there first, or wait for it (--wait)");
  }
  const bool writable = !(*lock)->read_only();
  if (!writable && holder != Holder::kReader) {
    return Status::FailedPrecondition(
        store_dir +
        ": the store is read-only for this user (read-only media, or no permission to write LOCK); copy it "
        "elsewhere to write");
  }
  if (writable) {
    const Status written = WriteHolder(fs, clock, path, holder);
    // The holder's name is only information, and a full filesystem must not prevent a prune.
    if (!written.ok() && written.code() != StatusCode::kNoSpace) return written;
  }
  return std::unique_ptr<StoreLock>(new StoreLock(*std::move(lock), writable));
}

}  // namespace rawkv
