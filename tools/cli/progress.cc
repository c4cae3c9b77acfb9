#include "tools/cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "tools/cli/byte_size.h"

namespace rawkv::ctl {
namespace {

void Print(int fd, std::string_view text) {
  // Progress is only an aid for people, so an error of this write must not fail the work.
  [[maybe_unused]] const ssize_t written = ::write(fd, text.data(), text.size());
}

std::string Amount(uint64_t number, std::string_view unit) {
  return unit == "bytes" ? HumanBytes(number) : std::to_string(number);
}

std::string Duration(uint64_t seconds) {
  if (seconds < 100) return fmt::format("{} s", seconds);
  if (seconds < 100 * 60) return fmt::format("{} min", (seconds + 59) / 60);
  return fmt::format("{} h", (seconds + 3599) / 3600);
}

}  // namespace

std::string DescribeProgress(const Progress& progress, const ProgressStart& start) {
  const std::string_view unit = progress.unit;
  std::string text = fmt::format("{}: {}", progress.what, Amount(progress.done, unit));
  if (progress.total > 0) text += " of " + Amount(progress.total, unit);
  if (!unit.empty() && unit != "bytes") text += fmt::format(" {}", unit);
  if (progress.total == 0) return text;
  const uint64_t done = std::min(progress.done, progress.total);
  const double part = static_cast<double>(done) / static_cast<double>(progress.total);
  text += fmt::format(" ({:.0f}%)", 100.0 * part);
  if (start.elapsed_ms < 1000 || done <= start.done) return text;
  const double left_ms = static_cast<double>(start.elapsed_ms) * static_cast<double>(progress.total - done) /
                         static_cast<double>(done - start.done);
  return text + fmt::format(", {} left", Duration(static_cast<uint64_t>(std::ceil(left_ms / 1000))));
}

ProgressLine::ProgressLine(int fd) : fd_(fd), terminal_(::isatty(fd) == 1) {}

ProgressFn ProgressLine::Callback() {
  if (!terminal_) return nullptr;
  return [this](const Progress& progress) { Report(progress); };
}

void ProgressLine::Report(const Progress& progress) {
  if (!terminal_) return;
  const MutexLock lock(mu_);
  const Time now = std::chrono::steady_clock::now();
  if (work_ != progress.what) {
    work_ = progress.what;
    started_ = now;
    done_at_start_ = progress.done;
  } else if (now - shown_at_ < std::chrono::milliseconds(100)) {
    return;
  }
  shown_at_ = now;
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - started_).count();
  const ProgressStart start{.elapsed_ms = static_cast<uint64_t>(elapsed), .done = done_at_start_};
  Print(fd_, fmt::format("\r{}\x1b[K", DescribeProgress(progress, start)));
  shown_ = true;
}

void ProgressLine::Announce(const std::string& line) {
  Wipe();
  Print(fd_, line + '\n');
}

void ProgressLine::Wipe() {
  const MutexLock lock(mu_);
  if (shown_) Print(fd_, "\r\x1b[K");
  shown_ = false;
  work_.clear();  // what follows is other work
}

}  // namespace rawkv::ctl
