#include "blockdev/io_uring_ring.h"

#include <liburing.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <string>

#include "base/mutex.h"

namespace rawkv {

namespace {

// The flags of a ring whose completions do not interrupt the submitting thread. That thread posts its
// completions when it next enters the kernel, and the second flag lets Reap see that some are due.
// SINGLE_ISSUER and DEFER_TASKRUN are rejected: only one thread could then submit and reap.
constexpr unsigned kQuiet = IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG;

// Owns the two queues of an io_uring.
class Queues {
 public:
  Queues() = default;
  ~Queues() {
    if (open_) io_uring_queue_exit(&ring_);
  }
  Queues(const Queues&) = delete;
  Queues& operator=(const Queues&) = delete;

  // Returns 0 or a negated errno.
  int Open(uint32_t entries, unsigned flags) {
    const int result = io_uring_queue_init(entries, &ring_, flags);
    open_ = result == 0;
    return result;
  }

  bool Supports(std::initializer_list<int> operations) {
    io_uring_probe* probe = io_uring_get_probe_ring(&ring_);
    if (probe == nullptr) return false;
    const bool all = std::all_of(operations.begin(), operations.end(), [&](int operation) {
      return io_uring_opcode_supported(probe, operation) != 0;
    });
    io_uring_free_probe(probe);
    return all;
  }

  // Null when the submission queue is full.
  io_uring_sqe* NextEntry() { return io_uring_get_sqe(&ring_); }

  bool PushWake(uint64_t tag) {
    io_uring_sqe* sqe = NextEntry();
    if (sqe == nullptr) return false;
    io_uring_prep_nop(sqe);
    io_uring_sqe_set_data64(sqe, tag);
    return true;
  }

  int Submit() { return io_uring_submit(&ring_); }

  int Wait(int64_t timeout_ms) {
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

  template <typename Completion>
  size_t Reap(std::span<Completion> out) {
    size_t count = 0;
    io_uring_cqe* cqe = nullptr;
    while (count < out.size() && io_uring_peek_cqe(&ring_, &cqe) == 0) {
      out[count++] = {.tag = io_uring_cqe_get_data64(cqe), .result = cqe->res};
      io_uring_cqe_seen(&ring_, cqe);
    }
    return count;
  }

  Status RegisterMemory(uint32_t slots, uint32_t slot, Bytes piece) {
    {
      MutexLock lock(memory_mu_);
      if (!has_table_) {
        if (const int made = io_uring_register_buffers_sparse(&ring_, slots); made < 0) {
          return Status::NotSupported(std::string("io_uring does not register memory: ") +
                                      std::strerror(-made) + " (kernel before 5.19)");
        }
      }
      has_table_ = true;
    }
    const int result = SetMemory(slot, {.iov_base = piece.data(), .iov_len = piece.size()});
    if (result == 1) return Status::Ok();
    return Status::IoError("io_uring cannot register " + std::to_string(piece.size()) +
                           " bytes of memory: " + std::strerror(-result) +
                           (result == -ENOMEM ? " (raise the limit of locked memory, ulimit -l)" : ""));
  }
  // An empty slot is a piece of no bytes.
  void UnregisterMemory(uint32_t slot) { (void)SetMemory(slot, {}); }

 private:
  // Returns 1 or a negated errno.
  int SetMemory(uint32_t slot, iovec piece) {
    const __u64 no_tag = 0;
    return io_uring_register_buffers_update_tag(&ring_, slot, &piece, &no_tag, 1);
  }

  bool open_ = false;
  io_uring ring_{};
  Mutex memory_mu_;
  bool has_table_ RAWKV_GUARDED_BY(memory_mu_) = false;
};

// Neither ring registers the file: the kernel releases a registered file only when it destroys the ring, some
// time after close, and until then the file's lock would outlive the device.
class IoUringRing final : public IoRing {
 public:
  explicit IoUringRing(int fd) : fd_(fd) {}

  // Returns 0 or a negated errno.
  int Open(uint32_t entries) {
    const int result = queues_.Open(entries, kQuiet);
    return result == -EINVAL ? queues_.Open(entries, 0) : result;  // a kernel before 5.19
  }
  bool SupportsReadAndWrite() { return queues_.Supports({IORING_OP_READ, IORING_OP_WRITE}); }

  bool Push(const Call& call) override {
    io_uring_sqe* sqe = queues_.NextEntry();
    if (sqe == nullptr) return false;
    std::byte* const memory = call.buffer.data();
    const auto length = static_cast<unsigned>(call.buffer.size());
    const uint64_t offset = call.offset.value();
    const bool read = call.kind == IoKind::kRead;
    if (call.memory_slot) {
      const auto slot = static_cast<int>(*call.memory_slot);
      read ? io_uring_prep_read_fixed(sqe, fd_, memory, length, offset, slot)
           : io_uring_prep_write_fixed(sqe, fd_, memory, length, offset, slot);
    } else {
      read ? io_uring_prep_read(sqe, fd_, memory, length, offset)
           : io_uring_prep_write(sqe, fd_, memory, length, offset);
    }
    io_uring_sqe_set_data64(sqe, call.tag);
    return true;
  }
  bool PushWake(uint64_t tag) override { return queues_.PushWake(tag); }
  int Submit() override { return queues_.Submit(); }
  int Wait(int64_t timeout_ms) override { return queues_.Wait(timeout_ms); }
  size_t Reap(std::span<Completion> out) override { return queues_.Reap(out); }
  Status RegisterMemory(uint32_t slot, Bytes piece) override {
    return queues_.RegisterMemory(kMemorySlots, slot, piece);
  }
  void UnregisterMemory(uint32_t slot) override { queues_.UnregisterMemory(slot); }

 private:
  const int fd_;
  Queues queues_;
};

// A ring whose entries have room for a command of 72 bytes, and whose completions have room for the drive's
// second result, without which the kernel refuses NVMe commands.
class IoUringNvmeRing final : public NvmeCommandRing {
 public:
  explicit IoUringNvmeRing(int fd) : fd_(fd) {}

  // Returns 0 or a negated errno.
  int Open(uint32_t entries) {
    return queues_.Open(entries, kQuiet | IORING_SETUP_SQE128 | IORING_SETUP_CQE32);
  }
  bool SupportsCommands() { return queues_.Supports({IORING_OP_URING_CMD}); }

  bool Push(uint64_t tag, const nvme_uring_cmd& command) override {
    io_uring_sqe* sqe = queues_.NextEntry();
    if (sqe == nullptr) return false;
    constexpr size_t kEntryBytes = 128;
    constexpr size_t kCommandAt = offsetof(io_uring_sqe, cmd);
    static_assert(kCommandAt + sizeof(command) <= kEntryBytes);
    std::memset(static_cast<void*>(sqe), 0, kEntryBytes);
    sqe->opcode = IORING_OP_URING_CMD;
    sqe->fd = fd_;
    sqe->cmd_op = NVME_URING_CMD_IO;
    std::memcpy(reinterpret_cast<char*>(sqe) + kCommandAt, &command, sizeof(command));
    io_uring_sqe_set_data64(sqe, tag);
    return true;
  }
  bool PushWake(uint64_t tag) override { return queues_.PushWake(tag); }
  int Submit() override { return queues_.Submit(); }
  int Wait(int64_t timeout_ms) override { return queues_.Wait(timeout_ms); }
  size_t Reap(std::span<Completion> out) override { return queues_.Reap(out); }

 private:
  const int fd_;
  Queues queues_;
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

Result<std::unique_ptr<NvmeCommandRing>> MakeNvmeCommandRing(int fd, uint32_t entries) {
  auto ring = std::make_unique<IoUringNvmeRing>(fd);
  const int result = ring->Open(entries);
  if (result == -EINVAL || (result == 0 && !ring->SupportsCommands())) {
    return Status::NotSupported("io_uring lacks NVMe commands (kernel before 5.19)");
  }
  if (result < 0) return Status::NotSupported(WhyUnavailable(-result));
  return std::unique_ptr<NvmeCommandRing>(std::move(ring));
}

}  // namespace rawkv
