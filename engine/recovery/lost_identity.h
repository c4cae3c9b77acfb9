#pragma once

#include <optional>
#include <string>
#include <vector>

#include "blockdev/superblock.h"
#include "engine/api/options.h"
#include "engine/store/store_file.h"

namespace rawkv {

// The identity of a store whose STORE and STORE-COPY are both lost, or both superblocks of its device
// (invariant 15, docs/repair.md). The other side holds the same record, and other parts of the store show
// whether it is the newest one.
struct LostIdentity {
  enum class Part : uint8_t { kStoreFiles, kSuperblocks };
  Part part = Part::kStoreFiles;
  std::string where;                 // path of STORE or of the device
  Status cause;                      // what is wrong with the lost part
  std::string hopeless;              // why it cannot be made again; empty if it can
  std::vector<std::string> trusted;  // on what the restored part relies, for the operator
  std::string device_path;
  StoreRecord record;  // the record, from the side that is left
  Superblock superblock;
};

// Looks for a loss after an open of the store failed with `open_error`. Absent if STORE and superblock can be
// read, if the directory holds no store, or if nothing shows that the device is the store's own. Changes
// nothing. An error is `open_error`, perhaps with an explanation, or a failed read.
Result<LostIdentity> FindLostIdentity(const std::string& store_dir, const OpenOptions& options,
                                      const Status& open_error);

// Looks again under the store's lock, and writes the lost part. Moves damaged files aside. May be interrupted
// anywhere and be repeated: the part that is left is not touched. Does nothing if nothing is lost any more,
// or if it cannot be made again. kBusy: another process has the store open.
Status RestoreIdentity(const std::string& store_dir, const OpenOptions& options);

}  // namespace rawkv
