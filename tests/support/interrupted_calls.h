#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace rawkv {

// Makes the system calls of a program linked with interrupted_calls.cc fail for now (EINTR, EAGAIN) and
// move less than they were asked to, at random but never often in a row, as a kernel may. Calls that the
// engine makes are wrapped by the linker (tests/engine/CMakeLists.txt); RocksDB's find the program's
// symbols, and get no EAGAIN, which no file gives to them. Syncs are left alone: a sync that was
// interrupted has failed (invariant 10). Thread-safe.
class InterruptedCalls {
 public:
  explicit InterruptedCalls(uint64_t seed);
  ~InterruptedCalls();  // no more of it
  // How often each was done to each call: "pread EINTR", "index write short" …
  std::map<std::string, uint64_t> counts() const;
};

// The same decisions for calls that are no system calls (ring completions): what to answer instead of
// moving `bytes`: a negated errno or fewer bytes; 0: let it be.
int64_t InterruptionFor(const char* call, uint64_t bytes);

}  // namespace rawkv
