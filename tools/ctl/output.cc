#include "tools/ctl/output.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace rawkv::ctl {
namespace {

constexpr size_t kBufferBytes = 64u << 10;

}  // namespace

Output::Output(int fd) : fd_(fd), terminal_(::isatty(fd) == 1) {}

Status Output::WriteAll(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<size_t>(written));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN) {  // another process made the shared descriptor non-blocking
      pollfd writable{.fd = fd_, .events = POLLOUT, .revents = 0};
      ::poll(&writable, 1, -1);
      continue;
    }
    reader_left_ = errno == EPIPE;
    return Status::IoError(std::string("standard output: ") + std::strerror(errno) +
                           "; the output is incomplete");
  }
  return Status::Ok();
}

Status Output::Write(std::string_view bytes) {
  RAWKV_RETURN_IF_ERROR(failed_);
  if (buffer_.size() + bytes.size() < kBufferBytes) {
    buffer_ += bytes;
    return Status::Ok();
  }
  RAWKV_RETURN_IF_ERROR(Flush());
  return failed_ = WriteAll(bytes);
}

Status Output::Line(std::string_view text) {
  RAWKV_RETURN_IF_ERROR(Write(text));
  return Write("\n");
}

Status Output::Flush() {
  RAWKV_RETURN_IF_ERROR(failed_);
  if (stop_ != nullptr && stop_()) {
    stopped_ = true;
    return failed_ = Status::FailedPrecondition("interrupted; the output is incomplete");
  }
  failed_ = WriteAll(buffer_);
  buffer_.clear();
  return failed_;
}

void Output::Resume() {
  if (stopped_) {
    failed_ = Status::Ok();
    buffer_.clear();
  }
  stopped_ = false;
}

void OccupyStandardStreams() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    // Opened in the wrong direction on purpose: the use of a closed stream stays an error. open(2) returns
    // the lowest free number, which is `fd`.
    [[maybe_unused]] const int taken = ::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

}  // namespace rawkv::ctl
