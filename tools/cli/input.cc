#include "tools/cli/input.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace rawkv::ctl {
namespace {

constexpr size_t kReadBytes = 64u << 10;
// A line may hold a 1 GiB value as base64 and about as many other bytes.
constexpr size_t kLineBytesMax = 3ull << 30;

Status Unreadable(const std::string& name, int error) {
  return Status::InvalidArgument(fmt::format("{}: cannot be read: {}", name, std::strerror(error)));
}

}  // namespace

Result<Input> Input::Open(const std::string& path) {
  if (path == "-") return Input("standard input", UniqueFd(), STDIN_FILENO);
  return OpenFile(path);
}

Result<Input> Input::OpenFile(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return Unreadable(path, errno);
  const int number = fd.get();
  return Input(path, std::move(fd), number);
}

Result<size_t> Input::ReadSome(size_t bytes_max, std::string& to) {
  const size_t before = to.size();
  to.resize(before + bytes_max);
  ssize_t got = 0;
  do {
    got = ::read(fd_, to.data() + before, bytes_max);
  } while (got < 0 && errno == EINTR);
  const int error = errno;
  to.resize(before + (got < 0 ? 0 : static_cast<size_t>(got)));
  if (got >= 0) return static_cast<size_t>(got);
  // A directory can be opened but not read. A closed standard input also fails here.
  if (error == EISDIR || error == EBADF) return Unreadable(name_, error);
  return Status::IoError(fmt::format("{}: reading failed: {}", name_, std::strerror(error)));
}

uint64_t Input::FileBytes() const {
  struct stat file {};
  if (::fstat(fd_, &file) != 0 || !S_ISREG(file.st_mode)) return 0;
  return static_cast<uint64_t>(file.st_size);
}

Result<std::string> ReadValue(Input input) {
  std::string value;
  for (;;) {
    RAWKV_ASSIGN_OR_RETURN(const size_t got, input.ReadSome(kReadBytes, value));
    if (got == 0) return value;
    if (value.size() > kValueBytesMax) {
      return Status::InvalidArgument(fmt::format("{}: larger than the largest value (1 GiB)", input.name()));
    }
  }
}

Result<std::string> ReadValueFile(const std::string& path) {
  RAWKV_ASSIGN_OR_RETURN(Input input, Input::Open(path));
  return ReadValue(std::move(input));
}

Status CheckInputDirectory(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return fd.valid() ? Status::Ok() : Unreadable(path, errno);
}

std::string_view LineReader::Take(size_t end, size_t next) {
  const std::string_view line(buffer_.data() + begin_, end - begin_);
  bytes_taken_ += next - begin_;
  begin_ = scanned_ = next;
  ++line_number_;
  return line;
}

Result<std::optional<std::string_view>> LineReader::Next() {
  for (;;) {
    if (const size_t newline = buffer_.find('\n', scanned_); newline != std::string::npos) {
      return std::optional(Take(newline, newline + 1));
    }
    scanned_ = buffer_.size();
    if (at_end_) {
      if (begin_ == buffer_.size()) return std::optional<std::string_view>();
      return std::optional(Take(buffer_.size(), buffer_.size()));
    }
    if (buffer_.size() - begin_ > kLineBytesMax) {
      ++line_number_;
      return Status::InvalidArgument("the line is longer than the longest change set");
    }
    buffer_.erase(0, begin_);
    scanned_ -= begin_;
    begin_ = 0;
    RAWKV_ASSIGN_OR_RETURN(const size_t got, input_.ReadSome(kReadBytes, buffer_));
    at_end_ = got == 0;
  }
}

std::string LineReader::Place() const {
  return line_number_ == 0 ? input_.name() : fmt::format("{}: line {}", input_.name(), line_number_);
}

}  // namespace rawkv::ctl
