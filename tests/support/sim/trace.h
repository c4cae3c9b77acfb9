#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/sim/disk_image.h"

namespace rawkv {

// One change of the simulated machine's disks. A trace holds them in the order in which they happened.
struct TraceEvent {
  enum class Kind : uint8_t {
    kWrite,     // file `inode`: `bytes` at `offset`
    kZero,      // file `inode`: `length` zeros at `offset`
    kResize,    // file `inode`: to `length` bytes
    kSyncFile,  // file `inode`
    kEnter,     // directory `dir`: `name` becomes `inode` (a new one of `new_kind`, if `is_new`)
    kLeave,     // directory `dir`: `name`, which named `inode`, is removed
    kRename,    // directory `dir`: `name`, which is `inode`, becomes `to_name`
    kSyncDir,   // directory `dir`
    kDeviceWrite,
    kDeviceFlush,
    kDeviceDiscard,  // `length` bytes at `offset`
    kDeviceResize,   // to `length` bytes; a device only grows
    kMark,           // no change; `length` is a number that the workload chose
  };
  Kind kind = Kind::kMark;
  InodeId inode = 0;
  InodeId dir = 0;
  bool is_new = false;
  FileKind new_kind = FileKind::kRegular;
  uint64_t offset = 0;
  uint64_t length = 0;
  std::string bytes;
  std::string name;
  std::string to_name;
  std::string path;  // for reports and filters; for device events the path of the device
};

using Trace = std::vector<TraceEvent>;

const char* TraceKindName(TraceEvent::Kind kind);
std::string Describe(const TraceEvent& event);
// What `length` discarded bytes read as. A disk may return anything; the store must never depend on zeros.
std::string DiscardedBytes(uint64_t length);

}  // namespace rawkv
