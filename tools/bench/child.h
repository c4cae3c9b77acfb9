#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "tools/bench/workload.h"

namespace rawkv::bench {

// Work on the closed store of a subject in a new process of this program.

// Opens the store there, makes `commits` unsynced commits of one key, and kills the process.
Status CommitUntilKilled(const Subject& subject, uint64_t commits);

// Growth of the process's own memory (RssAnon), without mapped files.
struct MemoryUse {
  uint64_t after_open_bytes = 0;
  uint64_t after_reads_bytes = 0;  // after every key was read once
};
Result<MemoryUse> MemoryOfChild(const Subject& subject);

// The other side: runs `rawkv-bench child …`. `words` are the arguments after "child".
Status RunAsChild(const std::vector<std::string>& words);

}  // namespace rawkv::bench
