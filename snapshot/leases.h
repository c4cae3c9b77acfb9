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

// A view directory views/<uuid>/, in which a reader keeps a temporary clone of an old version. The file LEASE
// in it names the version and the base snapshot. The reader keeps LEASE locked while it lives; a sweep
// deletes unlocked views.
class Lease {
 public:
  // Makes views/<uuid>/ with a locked LEASE in it, durably, for a view of `version` on the snapshot `base`. A
  // prune may remove `base` until Create returns, so the caller must check after Create, not before, that
  // `base` exists.
  static Result<std::unique_ptr<Lease>> Create(Fs& fs, Clock& clock, const std::string& store_dir, Uuid id,
                                               Version version, Version base);
  // The directory of the lease with this id.
  static std::string DirOf(const std::string& store_dir, const Uuid& id);
  ~Lease();  // unlocks, but does not delete the directory; Remove or a sweep does
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

// The version in the lease of a reader that is about to open the store, and does not know its version yet.
// Its base is 0. A prune that nothing waits for removes nothing meanwhile, so that the reader finds a
// snapshot and the log after it. It holds no version: the reader still needs a lease for that.
inline constexpr Version kOpeningVersion = kMaxVersion;

struct LeaseInfo {
  std::string dir;
  Version version;
  Version base;
  uint64_t created_unix_ms = 0;
  bool opening() const { return version == kOpeningVersion; }
};

// The leases that living readers hold, in this process or another; compare `dir` to recognise your own.
// kCorruption if a held lease is damaged: it is unknown what its reader needs, so the caller must free
// nothing.
Result<std::vector<LeaseInfo>> ListHeldLeases(Fs& fs, const std::string& store_dir);
// Deletes every view directory whose LEASE is missing or unlocked, also unfinished ones. Ignores other names
// in views/. Warns about views that cannot be deleted.
Status SweepViews(Fs& fs, const std::string& store_dir, Logger& logger = NullLogger());

}  // namespace rawkv
