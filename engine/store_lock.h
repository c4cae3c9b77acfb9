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
  // kReader: one that changes nothing of the store's, and may have no right or way to (media that is
  // read-only). Only its name is missing from LOCK then.
  enum class Holder : uint8_t { kWriter, kReader };
  // kBusy names the holder as far as LOCK tells.
  static Result<std::unique_ptr<StoreLock>> Acquire(Fs& fs, Clock& clock, const std::string& store_dir,
                                                    Holder holder = Holder::kWriter);
  // Whether the store's directory takes writes, as far as LOCK shows.
  bool writable() const { return writable_; }

 private:
  StoreLock(std::unique_ptr<FileLock> lock, bool writable) : lock_(std::move(lock)), writable_(writable) {}
  std::unique_ptr<FileLock> lock_;
  const bool writable_;
};

// What LOCK's content says; absent if unreadable. Says nothing about whether it is held.
std::optional<WriterInfo> ReadLockHolder(Fs& fs, const std::string& store_dir);

}  // namespace rawkv
