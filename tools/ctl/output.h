#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace rawkv::ctl {

// Standard output: data only, buffered, every write checked. A reader that went away or a full disk is
// kIoError, the same from then on: a script must not take half an answer for the whole. Not
// thread-safe.
class Output {
 public:
  explicit Output(int fd) : fd_(fd) {}

  Status Write(std::string_view bytes);
  Status Line(std::string_view text);  // with the newline
  // Everything written so far is with the system when it returns.
  Status Flush();

 private:
  const int fd_;
  std::string buffer_;
  Status failed_;
};

// Makes sure that descriptors 0, 1 and 2 are taken. A program started without them (`>&-`) would get
// one of them for a file of the store, and print into it.
void OccupyStandardStreams();

}  // namespace rawkv::ctl
