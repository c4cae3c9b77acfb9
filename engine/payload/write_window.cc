#include "engine/payload/write_window.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace rawkv {
namespace {

constexpr uint64_t kCopyBytes = 4ull << 20;
constexpr uint64_t kMaxTransferBytes = 256 * 1024;

}  // namespace

WriteWindow::WriteWindow(BlockDevice& device, uint64_t copied_bytes, AlignedBuffer kept)
    : device_(device), copies_(std::move(kept)) {
  const uint64_t wanted = std::min(AlignUp(copied_bytes, kBlockAlign), kCopyBytes);
  if (copies_.size() < wanted) copies_ = AlignedBuffer(wanted);
}

Status WriteWindow::WriteCopy(DeviceOffset offset, ConstBytes bytes) {
  RAWKV_CHECK(bytes.empty() || copies_.size() != 0, "the window has memory for what is copied");
  while (!bytes.empty()) {
    if (used_ == copies_.size()) RAWKV_RETURN_IF_ERROR(Run());
    const uint64_t n = std::min<uint64_t>({bytes.size(), copies_.size() - used_, kMaxTransferBytes});
    const Bytes copy = copies_.bytes().subspan(used_, AlignUp(n, kBlockAlign));
    std::memcpy(copy.data(), bytes.data(), n);
    std::memset(copy.data() + n, 0, copy.size() - n);
    used_ += copy.size();
    RAWKV_RETURN_IF_ERROR(Add(offset, copy));
    offset = offset + n;
    bytes = bytes.subspan(n);
  }
  return Status::Ok();
}

Status WriteWindow::WriteDirect(DeviceOffset offset, ConstBytes bytes) {
  for (uint64_t done = 0; done < bytes.size(); done += kMaxTransferBytes) {
    const ConstBytes part = bytes.subspan(done, std::min<uint64_t>(kMaxTransferBytes, bytes.size() - done));
    // A write does not change its buffer; the request type is that of reads, too.
    RAWKV_RETURN_IF_ERROR(Add(offset + done, Bytes(const_cast<std::byte*>(part.data()), part.size())));
  }
  return Status::Ok();
}

Status WriteWindow::Add(DeviceOffset offset, Bytes source) {
  if (!batch_.empty()) {
    IoRequest& last = batch_.back();
    const bool follows = last.offset + last.buffer.size() == offset &&
                         last.buffer.data() + last.buffer.size() == source.data();
    if (follows && last.buffer.size() + source.size() <= kMaxTransferBytes) {
      last.buffer = Bytes(last.buffer.data(), last.buffer.size() + source.size());
      return Status::Ok();
    }
  }
  if (batch_.size() == BlockDevice::kMaxBatch) {
    // The memory of the copies stays in use until the next Run.
    RAWKV_RETURN_IF_ERROR(device_.Submit(batch_));
    batch_.clear();
  }
  batch_.push_back({.kind = IoKind::kWrite, .offset = offset, .buffer = source});
  return Status::Ok();
}

Status WriteWindow::Run() {
  const Status status = device_.Submit(batch_);
  batch_.clear();
  used_ = 0;
  return status;
}

}  // namespace rawkv
