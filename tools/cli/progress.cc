#include "tools/cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

namespace rawkv::ctl {
namespace {

void Print(int fd, std::string_view text) {
  // Progress is only an aid for people, so an error of this write must not fail the work.
  [[maybe_unused]] const ssize_t written = ::write(fd, text.data(), text.size());
}

}  // namespace

std::string DescribeProgress(const Progress& progress) {
  if (progress.total == 0) return fmt::format("{}: {}", progress.what, progress.done);
  const auto percent = 100.0 * static_cast<double>(progress.done) / static_cast<double>(progress.total);
  return fmt::format("{}: {} of {} ({:.0f}%)", progress.what, progress.done, progress.total, percent);
}

ProgressLine::ProgressLine(int fd) : fd_(fd), terminal_(::isatty(fd) == 1) {}

ProgressFn ProgressLine::Callback() {
  if (!terminal_) return nullptr;
  return [this](const Progress& progress) { Show(progress); };
}

void ProgressLine::Show(const Progress& progress) {
  const MutexLock lock(mu_);
  Print(fd_, fmt::format("\r{}\x1b[K", DescribeProgress(progress)));
  shown_ = true;
}

void ProgressLine::Wipe() {
  const MutexLock lock(mu_);
  if (shown_) Print(fd_, "\r\x1b[K");
  shown_ = false;
}

}  // namespace rawkv::ctl
