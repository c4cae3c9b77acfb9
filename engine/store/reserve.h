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

// Room that a store keeps for itself on its filesystem: the file STORE/reserve, full of zeros. What gives
// room back (deletes, prunes, snapshots, rollbacks) and what every store must be able to do (opening,
// reading) spends it on a full filesystem; what adds data never does (invariant 13).
//
//   R1. The reserve is whole when its file is as large as a 16th of the filesystem, at least 256 KiB and at
//       most 4 MiB. Half of that is enough.
//   R2. It is spent in parts, the first one small, so that a neighbour that takes each freed block does not
//       take the whole reserve at once.
//   R3. When the last user is done, it is laid down again: until it is enough, from whatever room there is;
//       the rest only while as much stays free. So room that a prune gives back reaches puts as well.
//   R4. A put is admitted only while the reserve is enough and nobody uses it.
//
// A crash leaves the file at any size from nothing to whole. Nobody believes its content; the next open fills
// it up. Thread-safe; `mu_` is a leaf, held while zeros are written.
class Reserve {
 public:
  // `dir` is the store's directory, `path` the reserve's file.
  Reserve(Fs& fs, Logger& logger, std::string dir, std::string path);

  // Runs `work`. As long as it answers kNoSpace and there is some reserve left, gives up a part of it and
  // runs `work` again. `work` must be repeatable. May be nested.
  Status With(const std::function<Status()>& work);
  // Lays down what is missing (R3). kNoSpace: the reserve is not enough; what was there stays.
  Status Fill();
  // Ok if data may be added (R4), else kNoSpace with what to do.
  Status AdmitPut();

 private:
  uint64_t HeldBytes();
  Status FillLocked() RAWKV_REQUIRES(mu_);
  Status Extend(uint64_t from, uint64_t to) RAWKV_REQUIRES(mu_);
  // Gives up the next part. False if there is none.
  bool GiveUp();
  void Leave();

  Fs& fs_;
  Logger& logger_;
  const std::string dir_;
  const std::string path_;
  std::atomic<bool> enough_{false};

  Mutex mu_;
  uint64_t users_ RAWKV_GUARDED_BY(mu_) = 0;
  bool spent_ RAWKV_GUARDED_BY(mu_) = false;  // since it was last laid down
  uint64_t whole_bytes_ RAWKV_GUARDED_BY(mu_) = 4ull << 20;
};

}  // namespace rawkv
