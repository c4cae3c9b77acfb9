#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/sha256.h"
#include "base/types.h"
#include "base/uuid.h"

namespace rawkv {

inline constexpr uint32_t kExportFormat = 1;
// A chunk holds the longest key and some of its value.
inline constexpr uint64_t kMinChunkBytes = 128ull << 10;
inline constexpr uint64_t kMaxChunkBytes = 16ull << 20;
// Of a whole manifest file: rows for some two million chunks with short keys.
inline constexpr uint64_t kMaxExportManifestBytes = 256ull << 20;

// One chunk file of an export. Content only: equal content at equal settings gives equal bytes.
struct ExportChunk {
  std::string name;       // "chunk-00000000"
  uint64_t bytes = 0;     // file size
  Sha256Digest sha256{};  // of the file
  std::string first_key;
  std::string last_key;
  friend bool operator==(const ExportChunk&, const ExportChunk&) = default;
};

struct ExportManifest {
  uint64_t chunk_bytes = 8ull << 20;  // target size the chunks were cut at
  Version version;
  std::optional<Version> base;         // increments; absent in a full export
  std::optional<Sha256Digest> digest;  // state digest, when the source keeps one
  uint64_t key_count = 0;
  uint64_t value_bytes = 0;
  std::vector<ExportChunk> chunks;  // in key order
  friend bool operator==(const ExportManifest&, const ExportManifest&) = default;
};

std::string EncodeExportManifest(const ExportManifest& manifest);  // sealed; docs/formats/export.md
// Treats the file as hostile: kCorruption, kNotSupported. Memory is a small multiple of the input.
// What it promises: chunk_bytes within bounds, names in sequence, sizes within chunk_bytes, keys of
// 1 … 64 KiB in order, equal across a boundary only where a value can go on.
Result<ExportManifest> DecodeExportManifest(std::string_view file);

// Where an export came from; kept apart from content.
struct ExportOrigin {
  Uuid store_uuid;
  Lineage lineage;
  uint64_t created_unix_ms = 0;
  friend bool operator==(const ExportOrigin&, const ExportOrigin&) = default;
};
std::string EncodeExportOrigin(const ExportOrigin& origin);
Result<ExportOrigin> DecodeExportOrigin(std::string_view file);

// Cuts a stream of keys and values into chunk files. Values above a chunk travel in fragments, so
// memory stays within about one chunk. Add keys ascending; a value's bytes in order, in pieces of
// any size (the cut does not depend on how they are handed over).
//
// kInvalidArgument: chunk_bytes out of bounds, a key or length out of bounds or order, a value that
// is shorter or longer than announced; nothing was taken then. An error of the sink is final: every
// later call returns it.
class ChunkWriter {
 public:
  using Sink = std::function<Status(const ExportChunk& chunk, std::string_view file)>;
  ChunkWriter(uint64_t chunk_bytes, Sink sink);
  Status BeginKey(std::string_view key, uint64_t value_length);
  Status AppendValue(ConstBytes piece);
  Status AddDeletion(std::string_view key);  // in increments only: the key is gone since the base
  Status Finish();                           // hands over the last chunk; none if nothing was added

 private:
  Status CheckEntryEnded() const;
  Status BeginEntry(std::string_view key, uint64_t encoded_length, uint64_t value_length);
  Status MakeRoom(uint64_t key_bytes, uint64_t value_bytes_left);
  void StartFragment();
  Status Cut();

  const uint64_t chunk_bytes_;
  const Sink sink_;
  Status failed_;                // the sink's first error
  std::string buffer_;           // the chunk so far; empty between chunks
  std::string key_;              // of the entry under way; empty before the first
  uint64_t encoded_length_ = 0;  // what its value_length field says
  uint64_t value_length_ = 0;
  uint64_t value_offset_ = 0;   // bytes of it taken
  uint64_t fragment_left_ = 0;  // bytes that the fragment under way still takes
  std::string first_key_;       // of the chunk
  uint64_t next_chunk_ = 0;
  uint64_t manifest_bytes_ = 0;  // that the rows of the chunks cut so far will take
};

// One piece of a value in a chunk.
struct ChunkFragment {
  std::string_view key;
  uint64_t value_length = 0;  // of the whole value
  uint64_t offset = 0;        // of this piece in it
  ConstBytes bytes;
  bool deletion = false;  // no value: the key is gone. An importer of a full export refuses it
};

// Checks the file against the manifest's row (size, SHA-256), then its whole structure, and only
// then calls `fn`, in key order; treats the file as hostile. kCorruption names the chunk. An error of
// `fn` ends the walk and is returned. That a value goes on from one chunk to the next without a gap
// is for the caller, who sees them all.
Status ReadChunk(const ExportChunk& expected, std::string_view file,
                 const std::function<Status(const ChunkFragment&)>& fn);

}  // namespace rawkv
