#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/fs.h"
#include "base/lineage_chain.h"
#include "base/result.h"
#include "base/uuid.h"
#include "blockdev/superblock.h"
#include "engine/api/info.h"
#include "engine/api/options.h"

namespace rawkv {

inline constexpr uint32_t kStoreFormat = 2;
// The longest chain that is written. At 24 bytes a link, a longer one would approach the largest STORE that
// is read.
inline constexpr size_t kMaxLineageLinks = 1u << 19;

// The content of STORE: the identity of the store. Only this record holds the lineage chain, and the rename
// of STORE is the instant at which a rollback takes effect (invariants 4, 6, 14). The file STORE-COPY and the
// superblock repeat the record (invariant 15). docs/formats/store.md.
struct StoreRecord {
  Uuid store_uuid;
  Uuid device_uuid;
  std::string device_hint;  // path at the last open; a file name if the device is in the store's directory
  uint64_t open_generation = 0;  // counted up at each open; the upper bits of write ids
  Version initial_version;
  uint64_t slot_bytes = 0;
  uint64_t header_bytes = 0;
  uint64_t inline_bytes = 0;
  bool digest = false;
  bool checkpoints = false;  // the metadata region is for checkpoints (FormatOptions::meta_total_bytes)
  RuntimeSettings runtime;
  LineageChain chain;
  std::optional<TailCut> last_cut;  // the newest torn tail that a recovery cut
  // 0 in a record of format 1, where the next three are not set.
  uint64_t sequence = 0;  // higher with each write; the intact file with the higher number counts
  // The tip at the last normal close, or the target of a rollback below it: at least this version was
  // durable.
  std::optional<Version> closed_version;
  std::optional<GivenUp> given_up;
  DeviceLayout layout;  // as in the superblock
  Version reuse_floor;  // as in the superblock, or lower while the superblock is being raised
};

// To and from a sealed file. kCorruption: the file is damaged. kNotSupported: a newer format.
std::string EncodeStoreRecord(const StoreRecord& record);
Result<StoreRecord> DecodeStoreRecord(std::string_view file);

// STORE (0) and STORE-COPY (1), as read.
struct StoreFiles {
  Status status[2];
  std::optional<StoreRecord> record[2];
  bool agree() const;  // both are intact and have the same content
};
// Whether the state `file` of STORE-COPY is no damage: an older rawkv makes no copy, and a crash in `format`
// or in the first open after the older one leaves none. `sequence` is that of STORE.
inline bool IsCopyNotMadeYet(const Status& file, uint64_t sequence) {
  return file.code() == StatusCode::kNotFound && sequence <= 1;
}
StoreFiles InspectStoreFiles(Fs& fs, const std::string& store_dir);

// The record of the intact file with the higher sequence, and of STORE if both have the same.
//   kNotFound: there is neither file; the message names an unfinished format or import.
//   kCorruption, kIoError: no file is intact.
//   kNotSupported: a newer rawkv wrote one of them.
//   kFailedPrecondition: they belong to different stores.
// An error that is refused() proves nothing about the files. `*files` (if given) gets both.
Result<StoreRecord> LoadStoreRecord(Fs& fs, const std::string& store_dir, StoreFiles* files = nullptr);
// Writes STORE, then STORE-COPY; both are durable when this returns. After a crash or an error STORE is the
// old one or the new one, and STORE-COPY is not newer than STORE.
Status SaveStoreRecord(Fs& fs, const std::string& store_dir, const StoreRecord& record);

}  // namespace rawkv
