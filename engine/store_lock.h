#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/fs.h"
#include "engine/engine_info.h"

namespace rawkv {

// The one writer's LOCK file: locked, and naming its holder for the operator.
class StoreLock {
 public:
  // kBusy names the holder as far as LOCK tells.
  static Result<std::unique_ptr<StoreLock>> Acquire(Fs& fs, Clock& clock, const std::string& store_dir);

 private:
  explicit StoreLock(std::unique_ptr<FileLock> lock) : lock_(std::move(lock)) {}
  std::unique_ptr<FileLock> lock_;
};

// What LOCK's content says; absent if unreadable. Says nothing about whether it is held.
std::optional<WriterInfo> ReadLockHolder(Fs& fs, const std::string& store_dir);

}  // namespace rawkv
