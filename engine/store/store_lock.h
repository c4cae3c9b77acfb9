#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/fs.h"
#include "engine/api/info.h"

namespace rawkv {

// The one writer's LOCK file: locked, and naming its holder for the operator.
class StoreLock {
 public:
  // kLooker opens for writing, but closes at once. kReader changes nothing of the store's; on media that is
  // read-only its name is missing from LOCK.
  enum class Holder : uint8_t { kWriter, kLooker, kReader };
  // A writer waits up to 2 s for a holder that only looks, or that has not entered itself in LOCK yet, and
  // 50 ms for another writer. kBusy names the holder as far as LOCK shows it. kFailedPrecondition: who would
  // write finds media that is read-only.
  static Result<std::unique_ptr<StoreLock>> Acquire(Fs& fs, Clock& clock, const std::string& store_dir,
                                                    Holder holder = Holder::kWriter);
  // False on media that is read-only.
  bool writable() const { return writable_; }

 private:
  StoreLock(std::unique_ptr<FileLock> lock, bool writable) : lock_(std::move(lock)), writable_(writable) {}
  std::unique_ptr<FileLock> lock_;
  const bool writable_;
};

// What LOCK's content says; absent if unreadable. Says nothing about whether it is held.
std::optional<WriterInfo> ReadLockHolder(Fs& fs, const std::string& store_dir);

}  // namespace rawkv
