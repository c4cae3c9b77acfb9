#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace rawkv::ctl {

// A program to start as a child, with posix_spawn, so that the threads of this process do not matter.
struct ChildProgram {
  struct Descriptor {
    int ours;
    int childs;
  };

  std::string path;
  std::vector<std::string> arguments;  // after argv[0]
  std::vector<Descriptor> descriptors;
  std::optional<std::vector<std::string>> environment = std::nullopt;  // "NAME=value"; absent: ours
  std::string working_directory = "";                                  // "": ours
};

// Starts the program. The caller must wait for the process.
Result<pid_t> StartChild(const ChildProgram& program);

// Waits for the end of the child; returns its wait status.
int WaitForChild(pid_t pid);

// An anonymous file with `content`. Unlike a pipe, it takes any amount from a child without a reader.
Result<UniqueFd> MakeMemoryFile(std::string_view content = "");
std::string ReadMemoryFile(const UniqueFd& file);

}  // namespace rawkv::ctl
