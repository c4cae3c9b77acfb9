#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/fs.h"
#include "base/lineage_chain.h"
#include "base/result.h"
#include "base/uuid.h"
#include "engine/api/info.h"
#include "engine/api/options.h"

namespace rawkv {

inline constexpr uint32_t kStoreFormat = 1;
// The longest chain that is written. At 24 bytes a link, a longer one would approach the largest STORE that
// is read.
inline constexpr size_t kMaxLineageLinks = 1u << 19;

// The content of STORE: the identity of the store. STORE alone holds the lineage chain, and its rename is the
// instant at which a rollback takes effect (invariants 4, 6, 14). docs/formats/store.md.
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
  RuntimeSettings runtime;
  LineageChain chain;
  std::optional<TailCut> last_cut;  // the newest torn tail that a recovery cut
};

// To and from a sealed file. kCorruption: the file is damaged. kNotSupported: a newer format.
std::string EncodeStoreRecord(const StoreRecord& record);
Result<StoreRecord> DecodeStoreRecord(std::string_view file);

// kNotFound: there is no STORE; the message names an unfinished format or import.
Result<StoreRecord> LoadStoreRecord(Fs& fs, const std::string& store_dir);
// STORE is durable when this returns. After a crash or an error it is the old one or the new one.
Status SaveStoreRecord(Fs& fs, const std::string& store_dir, const StoreRecord& record);

}  // namespace rawkv
