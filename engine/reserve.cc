#include "engine/reserve.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace rawkv {
namespace {

constexpr uint64_t kMostBytes = 4ull << 20;
constexpr uint64_t kLeastBytes = 256ull << 10;
constexpr uint64_t kStepBytes = 64ull << 10;
constexpr uint64_t kShareOfRoom = 16;

std::string KiB(uint64_t bytes) {
  return std::to_string(bytes / 1024) + " KiB";
}

}  // namespace

Reserve::Reserve(Fs& fs, Logger& logger, std::string dir, std::string path)
    : fs_(fs), logger_(logger), dir_(std::move(dir)), path_(std::move(path)) {}

Result<uint64_t> Reserve::TargetBytes(uint64_t held) {
  RAWKV_ASSIGN_OR_RETURN(const uint64_t free, fs_.FreeBytes(dir_));
  const uint64_t share = (free + held) / kShareOfRoom / kStepBytes * kStepBytes;
  return std::max(std::clamp(share, kLeastBytes, kMostBytes), most_held_);
}

uint64_t Reserve::HeldBytes() {
  const Result<FileStat> stat = fs_.Stat(path_);
  return stat.ok() && stat->kind == FileKind::kRegular ? stat->size_bytes : 0;
}

// What is laid down without a sync counts all the same: a filesystem takes the blocks, or the promise of
// them, when they are written.
Status Reserve::Extend(uint64_t from, uint64_t to) {
  RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, fs_.Open(path_, OpenMode::kCreate));
  Status filled = file->ZeroFill(from, to - from);
  // Zeros of an attempt that failed are given back: what is free belongs to everybody.
  if (!filled.ok()) RAWKV_RETURN_IF_ERROR(file->Truncate(from));
  return filled;
}

Status Reserve::FillLocked() {
  uint64_t held = HeldBytes();
  most_held_ = std::max(most_held_, held);
  RAWKV_ASSIGN_OR_RETURN(const uint64_t target, TargetBytes(held));
  Status filled = held < target ? Extend(held, target) : Status::Ok();
  if (filled.ok()) {
    whole_ = true;
    spent_ = false;
    most_held_ = std::max(most_held_, target);
    return filled;
  }
  whole_ = false;
  if (filled.code() != StatusCode::kNoSpace) return filled;
  // There is no room for all of it. What this process held before it takes back as far as it goes.
  while (held < most_held_) {
    const uint64_t next = std::min(held / kStepBytes * kStepBytes + kStepBytes, most_held_);
    if (!Extend(held, next).ok()) break;
    held = next;
  }
  if (held == 0) (void)fs_.RemoveFile(path_).ok();
  return filled;
}

Status Reserve::Fill() {
  MutexLock lock(mu_);
  // Whoever uses it now has room for something else; the last one to leave fills it.
  if (users_ != 0) return Status::NoSpace(path_ + ": in use");
  return FillLocked();
}

bool Reserve::GiveUp() {
  MutexLock lock(mu_);
  const uint64_t held = HeldBytes();
  most_held_ = std::max(most_held_, held);
  if (held == 0) return false;
  whole_ = false;
  // An eighth serves what a read or an open writes, a half a snapshot of a small store.
  uint64_t keep = 0;
  for (const uint64_t part : {most_held_ / 8 * 7, most_held_ / 2}) {
    if (part / kStepBytes * kStepBytes < held) {
      keep = part / kStepBytes * kStepBytes;
      break;
    }
  }
  Status released;
  if (keep == 0) {
    released = fs_.RemoveFile(path_);
  } else {
    const Result<std::unique_ptr<File>> file = fs_.Open(path_, OpenMode::kReadWrite);
    released = file.ok() ? (*file)->Truncate(keep) : file.status();
  }
  if (!released.ok()) return false;
  if (!spent_) {
    logger_.Log(LogLevel::kWarning, dir_ + ": the filesystem is full; using the reserve");
  }
  spent_ = true;
  return true;
}

void Reserve::Leave() {
  MutexLock lock(mu_);
  if (--users_ != 0 || !spent_) return;
  spent_ = false;
  const Status filled = FillLocked();
  if (filled.ok()) return;
  logger_.Log(LogLevel::kInfo,
              dir_ + ": " + KiB(HeldBytes()) + " of the reserve are left: " + filled.ToString());
}

Status Reserve::With(const std::function<Status()>& work) {
  struct Use {
    explicit Use(Reserve& used) : reserve(used) {
      MutexLock lock(reserve.mu_);
      ++reserve.users_;
    }
    ~Use() { reserve.Leave(); }
    Reserve& reserve;
  };
  const Use use(*this);
  Status status = work();
  while (status.code() == StatusCode::kNoSpace && GiveUp()) status = work();
  return status;
}

Status Reserve::AdmitPut() {
  if (whole_) return Status::Ok();
  MutexLock lock(mu_);
  Status filled = users_ == 0 ? FillLocked() : Status::NoSpace("the reserve is in use");
  // Without a reserve for any other reason the store is no worse off than its filesystem.
  if (filled.code() != StatusCode::kNoSpace) return Status::Ok();
  return Status::NoSpace(
      dir_ + ": the filesystem has no room beyond what is kept for reading and deleting (" +
      filled.message() + "); delete keys and prune snapshots, or make room on the filesystem");
}

}  // namespace rawkv
