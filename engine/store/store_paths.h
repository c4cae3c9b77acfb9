#pragma once

#include <string>
#include <string_view>

#include "base/fs_ops.h"

namespace rawkv {

// Whether the engine itself makes files or directories of this name in a store's directory. A device file
// must have another name.
bool IsStoreName(std::string_view name);

// Whether the name is that of something whose removal has begun (ChooseRemovingName).
inline bool IsRemovalName(std::string_view name) {
  return name.ends_with(".removing");
}

// The paths in a store's directory (docs/architecture.md).
struct StorePaths {
  explicit StorePaths(std::string store_dir) : dir(std::move(store_dir)) {}

  std::string dir;
  std::string lock() const { return JoinPath(dir, "LOCK"); }
  std::string store() const { return JoinPath(dir, "STORE"); }
  std::string store_copy() const { return JoinPath(dir, "STORE-COPY"); }
  // Marks of an unfinished store; next to STORE they mean nothing (FormatDir).
  std::string importing() const { return JoinPath(dir, "IMPORTING"); }
  std::string formatting() const { return JoinPath(dir, "FORMATTING"); }
  std::string rebuilding() const { return JoinPath(dir, "REBUILDING"); }
  std::string wal() const { return JoinPath(dir, "wal"); }
  std::string working() const { return JoinPath(dir, "working"); }
  std::string working_index() const { return JoinPath(working(), "index"); }
  std::string working_new() const { return JoinPath(dir, "working.new"); }
  std::string working_new_index() const { return JoinPath(working_new(), "index"); }
  std::string rollback_marker() const { return JoinPath(dir, "ROLLBACK"); }
  std::string log_aside_new() const { return JoinPath(dir, "wal.damaged.tmp"); }
  std::string scrub() const { return JoinPath(dir, "SCRUB"); }
  std::string status() const { return JoinPath(dir, "STATUS"); }
  std::string reserve() const { return JoinPath(dir, "reserve"); }
  std::string default_device() const { return JoinPath(dir, "device.img"); }
};

}  // namespace rawkv
