#include "blockdev/transfer.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

namespace rawkv {

namespace {
constexpr int kRetriesWithoutPause = 8;
}  // namespace

Transfer::Next Transfer::HandleResult(int64_t result, const std::string& path) {
  const uint64_t asked = buffer().size();
  if (result == -EINTR || result == -EAGAIN) return RetryWithoutProgress(static_cast<int>(-result), 0, path);
  if (result == -EBADF && kind_ == IoKind::kWrite) {
    status_ = Status::FailedPrecondition("write to " + path + ": it was opened read-only");
    return Next::kDone;
  }
  if (const auto status = NvmeStatusOfResult(result)) return HandleNvmeStatus(*status, path);
  if (result < 0) return Fail(static_cast<int>(-result), path, "");
  if (result == 0) return Fail(EIO, path, "no bytes moved inside the capacity; did the device shrink?");
  if (static_cast<uint64_t>(result) > asked) {
    return Fail(EIO, path, std::to_string(result) + " bytes reported, more than asked for");
  }
  if (static_cast<uint64_t>(result) == rest_.size()) return Next::kDone;

  const uint64_t moved = static_cast<uint64_t>(result) / kBlockAlign * kBlockAlign;
  if (moved == 0) return RetryWithoutProgress(EIO, result, path);
  offset_ = offset_ + moved;
  rest_ = rest_.subspan(moved);
  retries_ = 0;
  return Next::kAgain;
}

Transfer::Next Transfer::RetryWithoutProgress(int error, int64_t moved, const std::string& path) {
  if (++retries_ <= kRetriesWithoutPause) return Next::kAgain;
  if (retries_ <= kMaxRetries) return Next::kPause;
  const std::string tries = std::to_string(retries_) + " tries";
  return Fail(error, path,
              moved > 0 ? "only " + std::to_string(moved) + " bytes at a time after " + tries
                        : "no progress after " + tries);
}

Transfer::Next Transfer::HandleNvmeStatus(NvmeStatus status, const std::string& path) {
  if (!status.Retryable()) return Fail(status.Errno(), path, status.ToString());
  if (++retries_ <= kMaxNvmeRetries) return Next::kPause;
  return Fail(status.Errno(), path, status.ToString() + " after " + std::to_string(retries_) + " tries");
}

Transfer::Next Transfer::Fail(int error, const std::string& path, const std::string& why) {
  status_ = Status::FromErrno(error, std::string(kind_ == IoKind::kRead ? "read" : "write") + " of " +
                                         std::to_string(buffer().size()) + " bytes at offset " +
                                         std::to_string(offset_.value()) + " of " + path +
                                         (why.empty() ? "" : " (" + why + ")"));
  return Next::kDone;
}

void PauseForRetry() {
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

}  // namespace rawkv
