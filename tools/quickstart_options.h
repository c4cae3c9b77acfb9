#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"

namespace rawkv::quickstart {

struct Options {
  std::string repository;        // to replay; "" = `source`
  std::string source = ".";      // the clone that this program was built from
  uint64_t commits_max = 2000;   // 0 = the whole history
  std::optional<uint64_t> seed;  // of every random choice but the instant of a kill
  bool keep = false;             // leave the store behind
  bool help = false;
};

// kInvalidArgument, naming the argument. Long options may follow the repository.
Result<Options> ParseOptions(int argc, char** argv);

// The text of --help.
std::string Usage();

}  // namespace rawkv::quickstart
