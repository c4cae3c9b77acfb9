#include "engine/store/reserve.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace rawkv {
namespace {

constexpr uint64_t kMostBytes = 4ull << 20;
constexpr uint64_t kLeastBytes = 256ull << 10;
constexpr uint64_t kStepBytes = 64ull << 10;
constexpr uint64_t kShareOfTotal = 16;

std::string KiB(uint64_t bytes) {
  return std::to_string(bytes / 1024) + " KiB";
}

}  // namespace

Reserve::Reserve(Fs& fs, Logger& logger, std::string dir, std::string path)
    : fs_(fs), logger_(logger), dir_(std::move(dir)), path_(std::move(path)) {}

uint64_t Reserve::HeldBytes() {
  const Result<FileStat> stat = fs_.Stat(path_);
  return stat.ok() && stat->kind == FileKind::kRegular ? stat->size_bytes : 0;
}

// Needs no sync: a filesystem takes or promises the blocks at the write.
Status Reserve::Extend(uint64_t from, uint64_t to) {
  RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, fs_.Open(path_, OpenMode::kCreate));
  Status filled = file->ZeroFill(from, to - from);
  // A failed attempt gives its zeros back, so that others can use the room.
  if (!filled.ok()) RAWKV_RETURN_IF_ERROR(file->Truncate(from));
  return filled;
}

Status Reserve::FillLocked() {
  RAWKV_ASSIGN_OR_RETURN(const FsSpace space, fs_.Space(dir_));
  whole_bytes_ =
      std::clamp(space.total_bytes / kShareOfTotal / kStepBytes * kStepBytes, kLeastBytes, kMostBytes);
  const uint64_t enough = whole_bytes_ / 2;
  uint64_t held = HeldBytes();
  Status filled;
  if (held < whole_bytes_ && space.free_bytes / 2 >= whole_bytes_ - held) {
    filled = Extend(held, whole_bytes_);
    if (filled.ok()) held = whole_bytes_;
  }
  while (held < enough) {
    const uint64_t next = std::min(held / kStepBytes * kStepBytes + kStepBytes, enough);
    filled = Extend(held, next);
    if (!filled.ok()) break;
    held = next;
  }
  enough_ = held >= enough;
  if (held == 0) (void)fs_.RemoveFile(path_).ok();
  if (!enough_) return filled;
  spent_ = false;
  return Status::Ok();
}

Status Reserve::Fill() {
  MutexLock lock(mu_);
  // Somebody uses the reserve now; the last user fills it again.
  if (users_ != 0) return Status::NoSpace(path_ + ": in use");
  return FillLocked();
}

bool Reserve::GiveUp() {
  MutexLock lock(mu_);
  const uint64_t held = HeldBytes();
  if (held == 0) return false;
  enough_ = false;
  // An eighth of the reserve is enough for the writes of a read or an open, a quarter for a snapshot of a
  // small store.
  uint64_t keep = 0;
  for (const uint64_t part :
       {whole_bytes_ / 8 * 7, whole_bytes_ / 2, whole_bytes_ / 8 * 3, whole_bytes_ / 4}) {
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
  if (enough_) return Status::Ok();
  MutexLock lock(mu_);
  Status filled = users_ == 0 ? FillLocked() : Status::NoSpace("the reserve is in use");
  // If the reserve cannot be filled for another reason, the filesystem may still have room, so the put is
  // admitted.
  if (filled.code() != StatusCode::kNoSpace) return Status::Ok();
  return Status::NoSpace(
      dir_ + ": the filesystem has no room beyond what is kept for reading and deleting (" +
      filled.message() + "); delete keys and prune snapshots, or make room on the filesystem");
}

}  // namespace rawkv
