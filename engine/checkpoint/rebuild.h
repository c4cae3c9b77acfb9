#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/export.h"
#include "base/result.h"
#include "base/uuid.h"
#include "engine/api/options.h"

// Makes a store directory from the device alone. Thread-safe; throws nothing.
namespace rawkv {

struct RebuildOptions {
  std::string device;           // path of the device, or of the device file
  bool verify_payload = false;  // reads every value and compares it with its checksums
  IoEngine engine = IoEngine::kAuto;
  CacheMode cache = CacheMode::kDirect;
  uint32_t queue_depth = 64;  // 1 … 1024
  ProgressFn progress;        // in keys
  Environment env;
};

// What a rebuild made, and what it could not use.
struct RebuildReport {
  struct Refused {
    std::string what;    // "checkpoint A of PATH"
    std::string reason;  // why it was not used
  };
  struct Damaged {
    std::string key;
    std::string error;  // names the slot and the chunk
  };
  Uuid store_uuid, device_uuid;
  std::string device;  // path
  Version version;     // of the checkpoint, and now of the store
  uint64_t checkpoint_unix_ms = 0;
  uint64_t keys = 0;
  uint64_t slots = 0;            // in use
  bool verified = false;         // every value was read
  std::vector<Refused> refused;  // halves of the region
  std::vector<Damaged> damaged;  // with verify_payload: the store has the key, and a read answers kCorruption
};

// Makes a store in `dir` from the newest whole checkpoint of the device (protocols: rebuild steps 1 to 8).
// Its content is exactly that of the checkpoint's version; newer versions and older history are gone, and so
// are pins and snapshots. It keeps its UUIDs and settings, and begins a new lineage after that version. A
// directory of the store from before the rebuild cannot be opened with the device any more.
//
// `dir` may be absent, be empty (lost+found is allowed), or hold an unfinished rebuild, which begins again.
// The store appears in one step at the end. kFailedPrecondition: `dir` holds something else, or the device is
// none of rawkv or has no whole checkpoint; the message names the reason for each half. kBusy: a process has
// the device or the directory. kNotFound: there is no device. kNotSupported: a newer format. kCorruption: the
// superblocks are damaged, or the checkpoint contradicts itself. kNoSpace. After a failure the directory is
// as before, or is marked as unfinished, and the same call begins again. The device changes only once the
// store is made.
RAWKV_EXPORT Result<RebuildReport> RebuildStore(const std::string& dir, const RebuildOptions& options);

}  // namespace rawkv
