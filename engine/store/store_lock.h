#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/fs.h"
#include "engine/api/info.h"

namespace rawkv {

// The lock of a store: the locked file LOCK, which names its holder for the operator.
class StoreLock {
 public:
  // kLooker opens the store for writing, and closes it at once. kReader changes nothing that belongs to the
  // store; where LOCK cannot be written, it does not name it.
  enum class Holder : uint8_t { kWriter, kLooker, kReader };
  // Locks the store. A kWriter waits up to 2 s for a kLooker, a kReader, or a holder that LOCK does not name
  // yet, and 50 ms for another kWriter; the others do not wait. kBusy names the holder as far as LOCK does.
  // kFailedPrecondition: a holder other than kReader cannot write LOCK.
  // With `wait_ms` every holder waits so long for any other.
  static Result<std::unique_ptr<StoreLock>> Acquire(Fs& fs, Clock& clock, const std::string& store_dir,
                                                    Holder holder = Holder::kWriter, uint64_t wait_ms = 0);
  // False on read-only media, and for a user who may only read the store.
  bool writable() const { return writable_; }

 private:
  StoreLock(std::unique_ptr<FileLock> lock, bool writable) : lock_(std::move(lock)), writable_(writable) {}
  std::unique_ptr<FileLock> lock_;
  const bool writable_;
};

// The process that LOCK names; absent if LOCK cannot be read. Does not show whether the lock is held.
std::optional<WriterInfo> ReadLockHolder(Fs& fs, const std::string& store_dir);

}  // namespace rawkv
