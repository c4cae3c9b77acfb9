#include "blockdev/io_uring_ring.h"

#include <liburing.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace rawkv {

namespace {

// Does not register the file with the ring: the kernel releases a registered file only when it destroys the
// ring, some time after close, and until then the file's lock would outlive the device.
class IoUringRing final : public IoRing {
 public:
  explicit IoUringRing(int fd) : fd_(fd) {}
  ~IoUringRing() override {
    if (open_) io_uring_queue_exit(&ring_);
  }
  IoUringRing(const IoUringRing&) = delete;
  IoUringRing& operator=(const IoUringRing&) = delete;

  // Returns 0 or a negated errno.
  int Open(uint32_t entries) {
    const int result = io_uring_queue_init(entries, &ring_, 0);
    open_ = result == 0;
    return result;
  }

  bool SupportsReadAndWrite() {
    io_uring_probe* probe = io_uring_get_probe_ring(&ring_);
    if (probe == nullptr) return false;
    const bool both = io_uring_opcode_supported(probe, IORING_OP_READ) != 0 &&
                      io_uring_opcode_supported(probe, IORING_OP_WRITE) != 0;
    io_uring_free_probe(probe);
    return both;
  }

  bool Push(const Call& call) override {
    io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
    if (sqe == nullptr) return false;
    const auto length = static_cast<unsigned>(call.buffer.size());
    if (call.kind == IoKind::kRead) {
      io_uring_prep_read(sqe, fd_, call.buffer.data(), length, call.offset.value());
    } else {
      io_uring_prep_write(sqe, fd_, call.buffer.data(), length, call.offset.value());
    }
    io_uring_sqe_set_data64(sqe, call.tag);
    return true;
  }

  int Submit() override { return io_uring_submit(&ring_); }

  int Wait() override {
    io_uring_cqe* unused = nullptr;
    return io_uring_wait_cqe(&ring_, &unused);
  }

  size_t Reap(std::span<Completion> out) override {
    size_t count = 0;
    io_uring_cqe* cqe = nullptr;
    while (count < out.size() && io_uring_peek_cqe(&ring_, &cqe) == 0) {
      out[count++] = {.tag = io_uring_cqe_get_data64(cqe), .result = cqe->res};
      io_uring_cqe_seen(&ring_, cqe);
    }
    return count;
  }

 private:
  const int fd_;
  bool open_ = false;
  io_uring ring_{};
};

std::string WhyUnavailable(int error) {
  const std::string what = std::string("io_uring_setup: ") + std::strerror(error);
  switch (error) {
    case EPERM:
    case EACCES:
      return what + " (forbidden by seccomp or kernel.io_uring_disabled)";
    case ENOSYS:
      return what + " (this kernel has no io_uring)";
    case ENOMEM:
      return what + " (raise the memlock limit, or lower the queue depth)";
    default:
      return what;
  }
}

}  // namespace

Result<std::unique_ptr<IoRing>> MakeIoUringRing(int fd, uint32_t entries) {
  auto ring = std::make_unique<IoUringRing>(fd);
  if (const int result = ring->Open(entries); result < 0) {
    return Status::NotSupported(WhyUnavailable(-result));
  }
  if (!ring->SupportsReadAndWrite()) {
    return Status::NotSupported("io_uring lacks the read and write operations (kernel before 5.6)");
  }
  return std::unique_ptr<IoRing>(std::move(ring));
}

}  // namespace rawkv
