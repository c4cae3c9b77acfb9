#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_codec.h"
#include "base/bytes.h"
#include "base/result.h"
#include "base/types.h"
#include "engine/index/index_entry.h"
#include "engine/index/meta_record.h"

namespace rawkv {

// What one version overwrote. The index holds one record for each of the newest versions. A snapshot contains
// the records of its own newest versions, and they are true of every clone of it.
//
// A record is only used on an index that holds exactly its version: it names the version's lineage and the
// meta record before it, and both are compared with the index.
struct UndoRecord {
  struct Key {
    std::string key;
    std::optional<IndexEntry> before;  // absent: there was no such key
    friend bool operator==(const Key&, const Key&) = default;
  };
  Lineage lineage;        // of the version
  MetaRecord before;      // of the version before it
  std::vector<Key> keys;  // each once, in the order of the version's first change of it
  friend bool operator==(const UndoRecord&, const UndoRecord&) = default;
};

// Writes a record piece by piece, from entries that are encoded already.
class UndoRecordWriter {
 public:
  UndoRecordWriter(Lineage lineage, const MetaRecord& before);
  // `before`: the encoded entry; empty: there was none.
  void Add(std::string_view key, std::string_view before);
  uint64_t bytes() const { return out_.str().size(); }
  std::string Take() { return out_.Take(); }

 private:
  ByteWriter out_;
};

// docs/formats/index.md. kCorruption: the bytes are damaged. kNotSupported: a newer format.
std::string EncodeUndoRecord(const UndoRecord& record);
Result<UndoRecord> DecodeUndoRecord(ConstBytes bytes);

}  // namespace rawkv
