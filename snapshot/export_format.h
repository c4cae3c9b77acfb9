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
// Size of a whole manifest file. It holds rows for about two million chunks with short keys.
inline constexpr uint64_t kMaxExportManifestBytes = 256ull << 20;

// One chunk file of an export. It depends only on content and settings: equal content and settings give equal
// bytes.
struct ExportChunk {
  std::string name;       // "chunk-00000000"
  uint64_t bytes = 0;     // file size
  Sha256Digest sha256{};  // of the file
  std::string first_key;
  std::string last_key;
  friend bool operator==(const ExportChunk&, const ExportChunk&) = default;
};

struct ExportManifest {
  uint64_t chunk_bytes = 8ull << 20;  // target size at which the chunks were cut
  Version version;
  std::optional<Version> base;         // of an increment; absent in a full export
  std::optional<Sha256Digest> digest;  // state digest, if the source keeps one
  uint64_t key_count = 0;
  uint64_t value_bytes = 0;
  std::vector<ExportChunk> chunks;  // in key order
  friend bool operator==(const ExportManifest&, const ExportManifest&) = default;
};

std::string EncodeExportManifest(const ExportManifest& manifest);  // sealed; docs/formats/export.md
// Treats the file as hostile. Errors: kCorruption, kNotSupported. Uses memory of a small multiple of the
// input. The result has chunk_bytes within bounds, names in sequence, sizes within chunk_bytes, and ordered
// keys of 1 … 64 KiB. Two adjacent chunks share a key only where a value can continue.
Result<ExportManifest> DecodeExportManifest(std::string_view file);

// The commit that made the exported version.
struct ExportedCommit {
  Version version;
  uint64_t time_unix_ms = 0;
  std::string metadata;  // up to kMaxUserMetadataBytes
  friend bool operator==(const ExportedCommit&, const ExportedCommit&) = default;
};

// The origin of an export, which is kept apart from the content.
struct ExportOrigin {
  Uuid store_uuid;
  Lineage lineage;
  uint64_t created_unix_ms = 0;          // time of the export
  std::optional<ExportedCommit> commit;  // absent in the exports of older versions of rawkv
  friend bool operator==(const ExportOrigin&, const ExportOrigin&) = default;
};
// Size of a whole ORIGIN file.
inline constexpr uint64_t kMaxExportOriginBytes = 128ull << 10;
std::string EncodeExportOrigin(const ExportOrigin& origin);
// Treats the file as hostile. Errors: kCorruption, kNotSupported.
Result<ExportOrigin> DecodeExportOrigin(std::string_view file);

// What an unfinished export writes: two exports with equal values write the same chunks.
struct ExportIdentity {
  Uuid store_uuid;
  Lineage lineage;  // of the version
  Version version;
  uint64_t chunk_bytes = 0;
  friend bool operator==(const ExportIdentity&, const ExportIdentity&) = default;
};
// The content of EXPORTING: what is being written, then a row for each chunk that is finished.
struct ExportProgress {
  ExportIdentity identity;
  std::vector<ExportChunk> chunks;
  friend bool operator==(const ExportProgress&, const ExportProgress&) = default;
};
std::string EncodeExportIdentity(const ExportIdentity& identity);
std::string EncodeExportRow(const ExportChunk& chunk);
// Treats the file as hostile. Ends at the first damaged row: a killed export may have left half of one. The
// rows satisfy what DecodeExportManifest demands of them. Absent: the file does not begin with an identity.
std::optional<ExportProgress> DecodeExportProgress(std::string_view file);

// Cuts a stream of keys and values into chunk files. Divides a larger value into fragments, so that it needs
// memory for about one chunk. The caller adds keys in ascending order, and the bytes of each value in order,
// in pieces of any size. The sizes of the pieces do not change the result.
//
// kInvalidArgument if chunk_bytes, a key or a length is out of bounds, a key is out of order, or a value is
// shorter or longer than announced; the call then has no effect. An error of the sink is final: every later
// call returns it.
class ChunkWriter {
 public:
  using Sink = std::function<Status(const ExportChunk& chunk, std::string_view file)>;
  ChunkWriter(uint64_t chunk_bytes, Sink sink);
  // Continues after a chunk of an earlier writer of the same stream, whose last fragment is given. Call it
  // for each such chunk, in order, before anything else. If that fragment does not end its value, the next
  // call is AppendValue with the rest. kInvalidArgument: the chunk is not the next one, or the writer has
  // begun.
  struct LastFragment {
    uint64_t value_length = 0;  // of the whole value
    uint64_t end_offset = 0;    // of the fragment in the value
  };
  Status SkipChunk(const ExportChunk& chunk, const LastFragment& last);
  Status BeginKey(std::string_view key, uint64_t value_length);
  Status AppendValue(ConstBytes piece);
  Status AddDeletion(std::string_view key);  // in increments only: the key was deleted since the base
  Status Finish();                           // emits the last chunk; none if nothing was added

 private:
  Status CheckEntryEnded() const;
  Status BeginEntry(std::string_view key, uint64_t encoded_length, uint64_t value_length);
  Status MakeRoom(uint64_t key_bytes, uint64_t value_bytes_left);
  void StartFragment();
  Status CountChunk(const ExportChunk& chunk);
  Status EmitChunk();

  const uint64_t chunk_bytes_;
  const Sink sink_;
  Status failed_;                // the sink's first error
  std::string buffer_;           // the chunk so far; empty between chunks
  std::string key_;              // of the present entry; empty before the first
  uint64_t encoded_length_ = 0;  // value_length field of the present entry
  uint64_t value_length_ = 0;
  uint64_t value_offset_ = 0;   // bytes of the value written so far
  uint64_t fragment_left_ = 0;  // bytes that the present fragment still takes
  std::string first_key_;       // of the chunk
  uint64_t next_chunk_ = 0;
  uint64_t manifest_bytes_ = 0;  // size of the manifest rows of the chunks emitted so far
};

// One piece of a value in a chunk.
struct ChunkFragment {
  std::string_view key;
  uint64_t value_length = 0;  // of the whole value
  uint64_t offset = 0;        // of this piece in it
  ConstBytes bytes;
  bool deletion = false;  // the key was deleted and has no value. An importer of a full export rejects it
};

// Compares the file with its row in the manifest (size, SHA-256), checks its whole structure, and then calls
// `fn` in key order. Treats the file as hostile. kCorruption names the chunk. An error of `fn` ends the walk
// and is returned. The caller must check that a value continues from one chunk to the next without a gap.
Status ReadChunk(const ExportChunk& expected, std::string_view file,
                 const std::function<Status(const ChunkFragment&)>& fn);

}  // namespace rawkv
