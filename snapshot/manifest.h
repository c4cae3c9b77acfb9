#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/sha256.h"
#include "base/types.h"
#include "base/uuid.h"

namespace rawkv {

inline constexpr uint32_t kSnapshotFormat = 1;
inline constexpr uint64_t kMaxSnapshotManifestBytes = 16ull << 20;  // of the whole file: ~200,000 files

enum class FileChecksumKind : uint8_t {
  kXxh3 = 1,    // 8 bytes, little-endian; for copied files
  kCrc32c = 2,  // 4 bytes, big-endian, as RocksDB computes it for an SST
};

struct ManifestFile {
  std::string path;  // relative to the snapshot directory: "index/000012.sst"
  uint64_t size_bytes = 0;
  FileChecksumKind checksum_kind = FileChecksumKind::kXxh3;
  std::string checksum;
  friend bool operator==(const ManifestFile&, const ManifestFile&) = default;
};

// The MANIFEST of a snapshot: the required content of its directory.
struct Manifest {
  Uuid store_uuid;
  Version version;
  Lineage lineage;
  uint64_t created_unix_ms = 0;
  std::optional<Sha256Digest> digest;  // state digest, when digests are on
  std::vector<ManifestFile> files;     // sorted by path
  bool by_log_bytes = false;           // made for the log since the snapshot before it; see retention.h
  friend bool operator==(const Manifest&, const Manifest&) = default;
};

// The whole file: a sealed frame with protobuf `rawkv.snapshot.Manifest`; docs/formats/manifest.md.
std::string EncodeManifest(const Manifest& manifest);
// Errors: kCorruption, kNotSupported. Rejects absolute paths, ".." and duplicate paths.
Result<Manifest> DecodeManifest(std::string_view file);

}  // namespace rawkv
