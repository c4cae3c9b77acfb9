#pragma once

#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/types.h"
#include "wal/change_set.h"

namespace rawkv {

// What the index holds for a user key.
struct IndexEntry {
  Version written_by;  // version that wrote the value: "born"
  StoredValue value;
  friend bool operator==(const IndexEntry&, const IndexEntry&) = default;
};

// docs/formats/index.md. Decode: kCorruption for anything Encode could not have written.
std::string EncodeIndexEntry(const IndexEntry& entry);
Result<IndexEntry> DecodeIndexEntry(ConstBytes bytes);

}  // namespace rawkv
