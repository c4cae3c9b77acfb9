#include "engine/undo/undo_record.h"

#include <utility>

#include "base/limits.h"

// docs/formats/index.md. The record has no checksum of its own: RocksDB's blocks have one.
namespace rawkv {
namespace {

constexpr uint8_t kFormat = 1;

Status Bad(const std::string& what) {
  return Status::Corruption("undo record: " + what);
}

}  // namespace

UndoRecordWriter::UndoRecordWriter(Lineage lineage, const MetaRecord& before) {
  out_.U8(kFormat);
  out_.U64(lineage.value());
  out_.Blob(EncodeMetaRecord(before));
}

void UndoRecordWriter::Add(std::string_view key, std::string_view before) {
  out_.Blob(key);
  // An encoded entry is never empty, so an empty one stands for none.
  out_.Blob(before);
}

std::string EncodeUndoRecord(const UndoRecord& record) {
  UndoRecordWriter out(record.lineage, record.before);
  for (const UndoRecord::Key& key : record.keys) {
    out.Add(key.key, key.before ? EncodeIndexEntry(*key.before) : std::string());
  }
  return out.Take();
}

Result<UndoRecord> DecodeUndoRecord(ConstBytes bytes) {
  ByteReader in(bytes);
  const uint8_t format = in.U8();
  if (!in.ok() || format == 0) return Bad("no format number");
  if (format > kFormat) {
    return Status::NotSupported("undo record of format " + std::to_string(format) + "; this rawkv knows " +
                                std::to_string(kFormat));
  }
  UndoRecord record;
  record.lineage = Lineage(in.U64());
  const std::string_view meta = in.Blob();
  if (!in.ok()) return Bad("too short");
  RAWKV_ASSIGN_OR_RETURN(record.before, DecodeMetaRecord(AsBytes(meta)));
  while (in.ok() && !in.AtEnd()) {
    UndoRecord::Key key;
    key.key = in.Blob();
    const std::string_view before = in.Blob();
    if (!in.ok()) return Bad("too short");
    if (key.key.empty() || key.key.size() > kMaxKeyBytes) return Bad("a key is empty or too long");
    if (!before.empty()) {
      Result<IndexEntry> entry = DecodeIndexEntry(AsBytes(before));
      if (!entry.ok()) return entry.status().WithContext("undo record");
      key.before = *std::move(entry);
    }
    record.keys.push_back(std::move(key));
  }
  return record;
}

}  // namespace rawkv
