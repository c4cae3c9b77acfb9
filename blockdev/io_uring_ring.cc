#include "blockdev/io_uring_ring.h"

#include <liburing.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <climits>
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
    // The kernel then does not interrupt the submitting thread for each completion. That thread posts its
    // completions when it next enters the kernel, and the flag lets Reap see that some are due.
    // SINGLE_ISSUER and DEFER_TASKRUN are rejected: only one thread could then submit and reap.
    int result = io_uring_queue_init(entries, &ring_, IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG);
    if (result == -EINVAL) result = io_uring_queue_init(entries, &ring_, 0);  // a kernel before 5.19
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

  bool PushWake(uint64_t tag) override {
    io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
    if (sqe == nullptr) return false;
    io_uring_prep_nop(sqe);
    io_uring_sqe_set_data64(sqe, tag);
    return true;
  }

  int Submit() override { return io_uring_submit(&ring_); }

  int Wait(int64_t timeout_ms) override {
    io_uring_cqe* unused = nullptr;
    if (timeout_ms < 0) return io_uring_wait_cqe(&ring_, &unused);
    __kernel_timespec limit{.tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1'000'000};
    if ((ring_.features & IORING_FEAT_EXT_ARG) == 0) {
      // liburing would queue a timeout call, and so touch the submission queue.
      pollfd readable{.fd = ring_.ring_fd, .events = POLLIN, .revents = 0};
      const int result = ::poll(&readable, 1, static_cast<int>(std::min<int64_t>(timeout_ms, INT_MAX)));
      return result < 0 ? -errno : result == 0 ? -ETIME : 0;
    }
    return io_uring_wait_cqe_timeout(&ring_, &unused, &limit);
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
