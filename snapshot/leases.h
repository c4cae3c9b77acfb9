#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/fs.h"
#include "base/logger.h"
#include "base/result.h"
#include "base/types.h"
#include "base/uuid.h"

namespace rawkv {

// A throw-away clone views/<uuid>/ for reading an old version; LEASE in it names the version and the
// base snapshot and is locked for as long as the reader lives. Unlocked ones are swept.
class Lease {
 public:
  // Makes views/<uuid>/ with a locked LEASE in it, durable. A view of `version` that is built from
  // snapshot `base`, which may be gone by now: check that it still exists after this, not before.
  static Result<std::unique_ptr<Lease>> Create(Fs& fs, Clock& clock, const std::string& store_dir, Uuid id,
                                               Version version, Version base);
  ~Lease();  // unlocks; the directory is removed by Remove or a sweep
  const std::string& dir() const { return dir_; }
  Version version() const { return version_; }
  Version base() const { return base_; }
  Status Remove();  // unlocks and deletes the directory

 private:
  Lease(Fs& fs, std::string dir, Version version, Version base, std::unique_ptr<FileLock> lock);
  Fs& fs_;
  const std::string dir_;
  const Version version_;
  const Version base_;
  std::unique_ptr<FileLock> lock_;
};

struct LeaseInfo {
  std::string dir;
  Version version;
  Version base;
  uint64_t created_unix_ms = 0;
};

// Leases that a living reader holds, this process's own too; those are told apart by path. kCorruption
// for a held one that cannot be read: what its reader needs is not known, so nothing may be freed.
Result<std::vector<LeaseInfo>> ListHeldLeases(Fs& fs, const std::string& store_dir);
// Deletes every view directory whose LEASE is missing or unlocked, half-made ones too. Other names in
// views/ are left alone. What cannot be deleted stays, with a warning.
Status SweepViews(Fs& fs, const std::string& store_dir, Logger& logger = NullLogger());

}  // namespace rawkv
