#include "blockdev/fd_block_device.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "blockdev/device_fd.h"

namespace rawkv {

FdBlockDevice::~FdBlockDevice() {
  if (!process_.forked()) ::flock(fd_.get(), LOCK_UN);
}

void FdBlockDevice::RunSerially(std::span<IoRequest> batch, const OnDone& on_done) {
  for (size_t i = 0; i < batch.size(); ++i) {
    Transfer transfer(batch[i]);
    Transfer::Next next = Transfer::Next::kAgain;
    while (next != Transfer::Next::kDone) {
      if (next == Transfer::Next::kPause) PauseForRetry();
      next = transfer.HandleResult(Call(transfer), path());
    }
    batch[i].status = transfer.status();
    if (on_done) on_done(i);
  }
}

int64_t FdBlockDevice::Call(const Transfer& transfer) {
  const uint64_t offset = transfer.offset().value();
  return transfer.kind() == IoKind::kRead ? raw_->ReadAt(fd_.get(), offset, transfer.buffer())
                                          : raw_->WriteAt(fd_.get(), offset, transfer.buffer());
}

Status FdBlockDevice::DoFlush() {
  const int64_t result = raw_->DataSync(fd_.get());
  if (result >= 0) return Status::Ok();
  // Never kNoSpace, which would mean that nothing was lost.
  return Status::IoError("flush of " + path() + ": " + std::strerror(static_cast<int>(-result)));
}

Status FdBlockDevice::DoDiscard(DeviceOffset offset, uint64_t length) {
  int result = 0;
  if (geometry().kind == DeviceKind::kBlockDevice) {
    uint64_t range[2] = {offset.value(), length};
    result = ::ioctl(fd_.get(), BLKDISCARD, range);
  } else {
    result = ::fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                         static_cast<off_t>(offset.value()), static_cast<off_t>(length));
  }
  if (result == 0) return Status::Ok();
  const int error = errno;
  const std::string what = "discard of " + std::to_string(length) + " bytes at offset " +
                           std::to_string(offset.value()) + " of " + path();
  if (error == EOPNOTSUPP || error == ENOTTY || error == ENOSYS) {
    return Status::NotSupported(what + ": " + std::strerror(error));
  }
  if (error == EBADF) return Status::FailedPrecondition(what + ": it was opened read-only");
  return Status::FromErrno(error, what);
}

Status FdBlockDevice::DoEnlarge(uint64_t capacity_bytes) {
  if (geometry().kind != DeviceKind::kFile) return BlockDevice::DoEnlarge(capacity_bytes);
  int result = 0;
  do {
    result = ::ftruncate(fd_.get(), static_cast<off_t>(capacity_bytes));
  } while (result != 0 && errno == EINTR);
  if (result != 0) return Status::FromErrno(errno, "enlarging " + path());
  return Flush();
}

Result<uint64_t> FdBlockDevice::DoFindSize() {
  struct stat info {};
  if (::fstat(fd_.get(), &info) != 0) return Status::FromErrno(errno, "stat of " + path());
  return SizeOfDevice(fd_.get(), info, path());
}

}  // namespace rawkv
