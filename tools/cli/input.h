#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace rawkv::ctl {

// The engine's largest value, and so the most bytes that are read from a file for one value.
inline constexpr uint64_t kValueBytesMax = 1ull << 30;

// A file that the user names for reading, or standard input. Errors: kInvalidArgument if the file cannot be
// opened or is a directory, kIoError if a read fails.
class Input {
 public:
  // Opens the file `path`; "-" is standard input.
  static Result<Input> Open(const std::string& path);
  // Opens the file `path`, also if its name is "-".
  static Result<Input> OpenFile(const std::string& path);

  // Appends at least one and at most `bytes_max` bytes to `to`. Returns their number; 0 at the end.
  Result<size_t> ReadSome(size_t bytes_max, std::string& to);
  // Size of a regular file in bytes; 0 for a pipe, a terminal or an empty file.
  uint64_t FileBytes() const;
  // The path, or "standard input".
  const std::string& name() const { return name_; }

 private:
  Input(std::string name, UniqueFd owned, int fd)
      : name_(std::move(name)), owned_(std::move(owned)), fd_(fd) {}

  std::string name_;
  UniqueFd owned_;  // invalid for standard input, which is not closed
  int fd_;
};

// Reads the whole input as a value; kInvalidArgument if it is larger than kValueBytesMax.
Result<std::string> ReadValue(Input input);
// Opens `path` with Input::Open, and reads it with ReadValue.
Result<std::string> ReadValueFile(const std::string& path);

// kInvalidArgument unless `path` is a readable directory.
Status CheckInputDirectory(const std::string& path);

// Reads a file of any size by lines, and returns each line as soon as it has arrived. A last line without
// newline counts as a line.
class LineReader {
 public:
  explicit LineReader(Input input) : input_(std::move(input)), bytes_total_(input_.FileBytes()) {}

  // The next line without its newline, valid until the next call; absent at the end. kInvalidArgument for a
  // line that is longer than the longest change set.
  Result<std::optional<std::string_view>> Next();
  // "changes.jsonl: line 3": the line that Next returned or at which it failed.
  std::string Place() const;
  // Bytes of the lines so far, and of the whole file; `total` is 0 if it is not known.
  struct Position {
    uint64_t done = 0;
    uint64_t total = 0;
  };
  Position position() const { return {bytes_taken_, bytes_total_}; }

 private:
  std::string_view Take(size_t end, size_t next);

  Input input_;
  const uint64_t bytes_total_;
  uint64_t bytes_taken_ = 0;
  std::string buffer_;
  size_t begin_ = 0;    // start of the next line
  size_t scanned_ = 0;  // no newline in [begin_, scanned_)
  bool at_end_ = false;
  uint64_t line_number_ = 0;
};

}  // namespace rawkv::ctl
