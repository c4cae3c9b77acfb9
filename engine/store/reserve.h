#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "base/fs.h"
#include "base/logger.h"
#include "base/mutex.h"
#include "base/result.h"

namespace rawkv {

// Room that a store keeps for itself on its filesystem: the file `reserve`, full of zeros. On a full
// filesystem, the operations that give room back (deletes, prunes, snapshots, rollbacks) and those that must
// always work (opens, reads) may spend it. Puts never spend it (invariant 13).
//
//   R1. The reserve is whole if its file is as large as a 16th of the filesystem, at least 256 KiB and at
//       most 4 MiB. Half of that is enough.
//   R2. The reserve is spent in parts, and the first part is small. Another program that takes each freed
//       block does not get the whole reserve at once.
//   R3. When the last user is done, the reserve is filled again: until it is enough, from any room that there
//       is; and until it is whole, only if as much room stays free. So puts can use a part of the room that a
//       prune gives back.
//   R4. A put is admitted only while the reserve is enough and nobody uses it.
//
// A crash leaves the file at any size up to whole. Nothing depends on its content, and the next open fills it
// again. Thread-safe. `mu_` is a leaf of the lock order, and is held while zeros are written.
class Reserve {
 public:
  // `dir` is the store's directory, `path` the reserve's file.
  Reserve(Fs& fs, Logger& logger, std::string dir, std::string path);

  // Runs `work`. As long as it returns kNoSpace and some reserve is left, spends a part of the reserve and
  // runs `work` again. `work` must be idempotent. Calls may be nested.
  Status With(const std::function<Status()>& work);
  // Fills the reserve again (R3). kNoSpace: the reserve is not enough; it keeps its size.
  Status Fill();
  // Ok if a put is admitted (R4), otherwise kNoSpace with advice.
  Status AdmitPut();

 private:
  uint64_t HeldBytes();
  Status FillLocked() RAWKV_REQUIRES(mu_);
  Status Extend(uint64_t from, uint64_t to) RAWKV_REQUIRES(mu_);
  // Spends the next part. False if nothing is left.
  bool GiveUp();
  void Leave();

  Fs& fs_;
  Logger& logger_;
  const std::string dir_;
  const std::string path_;
  std::atomic<bool> enough_{false};

  Mutex mu_;
  uint64_t users_ RAWKV_GUARDED_BY(mu_) = 0;
  bool spent_ RAWKV_GUARDED_BY(mu_) = false;  // a part was spent since the last Fill
  uint64_t whole_bytes_ RAWKV_GUARDED_BY(mu_) = 4ull << 20;
};

}  // namespace rawkv
