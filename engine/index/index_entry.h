#pragma once

#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/types.h"
#include "wal/change_set.h"

namespace rawkv {

// The entry of the index for a user key.
struct IndexEntry {
  Version written_by;  // the version that wrote the value: "born"
  StoredValue value;
  friend bool operator==(const IndexEntry&, const IndexEntry&) = default;
};

// docs/formats/index.md. kCorruption: EncodeIndexEntry cannot have written these bytes.
std::string EncodeIndexEntry(const IndexEntry& entry);
// The same, into `*encoded`, whose memory is used again and whose content is dropped.
void EncodeIndexEntryInto(std::string* encoded, Version written_by, const StoredValue& value);
Result<IndexEntry> DecodeIndexEntry(ConstBytes bytes);

}  // namespace rawkv
