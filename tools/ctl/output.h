#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace rawkv::ctl {

// Standard output, for data only. Buffers the data and checks every write. A reader that closed the pipe or a
// full disk is kIoError, and every later call returns the same error, so that a script does not take a part
// of an answer for all of it. Not thread-safe.
class Output {
 public:
  explicit Output(int fd);

  Status Write(std::string_view bytes);
  Status Line(std::string_view text);  // adds the newline
  // Hands everything written so far to the operating system.
  Status Flush();
  // Makes the calls that hand bytes over fail with kFailedPrecondition once `stop` answers true, until
  // Resume.
  void StopWhen(bool (*stop)()) { stop_ = stop; }
  // Drops what a stopped command left, so that the next one can write.
  void Resume();
  bool terminal() const { return terminal_; }
  // Ok, or the error of all further calls.
  const Status& status() const { return failed_; }
  // Whether a write failed because the reader of the pipe has closed it.
  bool reader_left() const { return reader_left_; }

 private:
  Status WriteAll(std::string_view bytes);

  const int fd_;
  const bool terminal_;
  std::string buffer_;
  Status failed_;
  bool reader_left_ = false;
  bool (*stop_)() = nullptr;
  bool stopped_ = false;
};

// Makes sure that descriptors 0, 1 and 2 are in use. A program that is started without them (`>&-`) would get
// one of these numbers for a file of the store, and would print into that file.
void OccupyStandardStreams();

}  // namespace rawkv::ctl
