#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace rawkv::bench {

// Bytes that the filesystem has allocated for the files in `dir` and below, except the file `without` in it.
Result<uint64_t> AllocatedBytes(const std::string& dir, std::string_view without);

// Writes the files in `dir` and below to the disk, and drops them from the page cache. Pages that a process
// has mapped stay, so the caller closes the store first.
Status DropFromPageCache(const std::string& dir);

// Bytes that this process has caused to be written to disks, from /proc/self/io. A page that is written
// through the page cache counts each time it becomes dirty.
Result<uint64_t> WrittenBytes();

// Makes a file of `bytes` random bytes, and syncs it. Does nothing if it is there with that size.
Status MakeFilledFile(const std::string& path, uint64_t bytes);

}  // namespace rawkv::bench
