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
// A longer chain is not written: with 24 bytes a link it would come near the largest STORE that is read back.
inline constexpr size_t kMaxLineageLinks = 1u << 19;

// STORE: who this store is. Alone holds the lineage chain; its rename is the instant at which a
// rollback takes effect (invariants 4, 6, 14). docs/formats/store.md.
struct StoreRecord {
  Uuid store_uuid;
  Uuid device_uuid;
  std::string device_hint;       // path at the last open; relative when the device lies in STORE
  uint64_t open_generation = 0;  // counted up at each open; upper bits of write ids
  Version initial_version;
  uint64_t slot_bytes = 0;
  uint64_t header_bytes = 0;
  uint64_t inline_bytes = 0;
  bool digest = false;
  RuntimeSettings runtime;
  LineageChain chain;
  std::optional<TailCut> last_cut;  // the newest log tail that recovery cut
};

// Sealed file both ways. Decode: kCorruption, kNotSupported for a newer format.
std::string EncodeStoreRecord(const StoreRecord& record);
Result<StoreRecord> DecodeStoreRecord(std::string_view file);

// kNotFound if there is no STORE; the message names an unfinished format or import.
Result<StoreRecord> LoadStoreRecord(Fs& fs, const std::string& store_dir);
// Durable when it returns; old or new after a crash.
Status SaveStoreRecord(Fs& fs, const std::string& store_dir, const StoreRecord& record);

}  // namespace rawkv
