#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace rawkv::ctl {

// The engine's largest value, and so the most that is read of a file for one.
inline constexpr uint64_t kValueBytesMax = 1ull << 30;

// What the user names for reading; "-" is standard input. Errors: kInvalidArgument for what cannot be
// opened or is a directory, kIoError for a read that fails.
class Input {
 public:
  static Result<Input> Open(const std::string& path);
  // The file of that name, whatever it is: "-" is one, too.
  static Result<Input> OpenFile(const std::string& path);

  // Appends what is there, at least one byte but at most `bytes_max`, to `to`; 0 at the end.
  Result<size_t> ReadSome(size_t bytes_max, std::string& to);
  // The path, or "standard input".
  const std::string& name() const { return name_; }

 private:
  Input(std::string name, UniqueFd owned, int fd)
      : name_(std::move(name)), owned_(std::move(owned)), fd_(fd) {}

  std::string name_;
  UniqueFd owned_;  // not of standard input
  int fd_;
};

// All of an input as a value; kInvalidArgument if it is larger than a value may be.
Result<std::string> ReadValue(Input input);
// The same of what Input::Open makes of `path`.
Result<std::string> ReadValueFile(const std::string& path);

// kInvalidArgument unless there is a directory at `path` that can be read.
Status CheckInputDirectory(const std::string& path);

// Lines of a file of any size, each as soon as it is there. A last line without newline counts.
class LineReader {
 public:
  explicit LineReader(Input input) : input_(std::move(input)) {}

  // Without the newline; good until the next call; absent at the end. kInvalidArgument for a line that
  // no change set could need.
  Result<std::optional<std::string_view>> Next();
  // "changes.jsonl: line 3", of the line that Next gave or failed at.
  std::string Place() const;

 private:
  std::string_view Take(size_t end, size_t next);

  Input input_;
  std::string buffer_;
  size_t begin_ = 0;    // of the line that is not given out yet
  size_t scanned_ = 0;  // no newline in [begin_, scanned_)
  bool at_end_ = false;
  uint64_t line_number_ = 0;
};

}  // namespace rawkv::ctl
