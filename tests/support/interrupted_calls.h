#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace rawkv {

// Makes system calls fail temporarily (EINTR, EAGAIN) or transfer fewer bytes than requested, at random but
// never often in a row, as a kernel may. Works in programs that are linked with interrupted_calls.cc. The
// linker wraps the calls of the engine (tests/engine/CMakeLists.txt). RocksDB's calls find the program's
// symbols, and never get EAGAIN, because regular files never return it. Syncs are not interrupted: an
// interrupted sync counts as failed (invariant 10). Thread-safe.
class InterruptedCalls {
 public:
  explicit InterruptedCalls(uint64_t seed);
  ~InterruptedCalls();  // ends the interruptions
  // The number of interruptions by call and kind: "pread EINTR", "index write short" and so on.
  std::map<std::string, uint64_t> counts() const;
};

// The same decisions for ring completions, which are not system calls. Returns the result to give instead of
// transferring `bytes`: a negated errno or fewer bytes; 0 for no interruption.
int64_t InterruptionFor(const char* call, uint64_t bytes);

}  // namespace rawkv
