#include <cstring>

#include "base/byte_codec.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/sealed_file.h"
#include "snapshot/export_format.h"
#include "snapshot/export_layout.h"

// The sealed files of an export: its manifest, ORIGIN, and EXPORTING with its rows; docs/formats/export.md.
namespace rawkv {
namespace {

constexpr SealedKind kManifestKind{.magic = "RKVEXPRT",
                                   .format = kExportFormat,
                                   .name = "export manifest",
                                   .max_payload_bytes = kMaxExportManifestBytes - kSealedHeaderBytes};
constexpr SealedKind kOriginKind{
    .magic = "RKVORIGN", .format = 1, .name = "ORIGIN", .max_payload_bytes = 4096 + kMaxUserMetadataBytes};

constexpr SealedKind kIdentityKind{
    .magic = "RKVXPING", .format = 1, .name = "EXPORTING", .max_payload_bytes = 4096};
constexpr SealedKind kRowKind{.magic = "RKVXPROW",
                              .format = 1,
                              .name = "row of EXPORTING",
                              .max_payload_bytes = 2 * kMaxKeyBytes + kManifestRowBytes};

constexpr uint32_t kHasBase = 1u << 0;
constexpr uint32_t kHasDigest = 1u << 1;
constexpr uint32_t kOriginHasCommit = 1u << 0;

Status Damaged(const std::string& how) {
  return Status::Corruption("export manifest is damaged: " + how);
}

Status UnknownFlags(std::string_view name, uint32_t flags) {
  return Status::NotSupported(std::string(name) + " has flags " + std::to_string(flags) +
                              ", which this build does not know; use a newer rawkv");
}

Sha256Digest ReadDigest(ByteReader& in) {
  Sha256Digest digest{};
  const std::string_view raw = in.Raw(digest.size());
  if (in.ok()) std::memcpy(digest.data(), raw.data(), raw.size());
  return digest;
}

Status CheckChunk(const ExportManifest& manifest, const ExportChunk& chunk) {
  const uint64_t index = manifest.chunks.size();
  const std::string name = ChunkName(index);
  if (chunk.name != name) return Damaged("chunk " + std::to_string(index) + " is not named " + name);
  if (chunk.bytes < kMinChunkFileBytes || chunk.bytes > manifest.chunk_bytes) {
    return Damaged(name + " has " + std::to_string(chunk.bytes) + " bytes, in an export cut at " +
                   std::to_string(manifest.chunk_bytes));
  }
  if (!IsExportKey(chunk.first_key) || !IsExportKey(chunk.last_key)) {
    return Damaged(name + " has an empty or too long first or last key");
  }
  if (chunk.last_key < chunk.first_key) return Damaged(name + " ends before it begins");
  if (index == 0) return {};
  const ExportChunk& previous = manifest.chunks.back();
  if (chunk.first_key < previous.last_key) return Damaged(name + " begins before its predecessor ends");
  // A value continues in the next chunk only if it has filled its chunk to the last byte.
  if (chunk.first_key == previous.last_key && previous.bytes != manifest.chunk_bytes) {
    return Damaged(name + " begins with the key that its predecessor ends with");
  }
  return {};
}

void WriteRow(ByteWriter& out, const ExportChunk& chunk) {
  out.Blob(chunk.name);
  out.U64(chunk.bytes);
  out.Raw(AsStringView(chunk.sha256));
  out.Blob(chunk.first_key);
  out.Blob(chunk.last_key);
}

ExportChunk ReadRow(ByteReader& in) {
  ExportChunk chunk;
  chunk.name = in.Blob();
  chunk.bytes = in.U64();
  chunk.sha256 = ReadDigest(in);
  chunk.first_key = in.Blob();
  chunk.last_key = in.Blob();
  return chunk;
}

Status ReadChunks(ByteReader& in, ExportManifest& manifest) {
  const uint32_t count = in.U32();
  if (!in.ok() || count > kMaxChunks || count > in.remaining() / kManifestRowBytes) {
    return Damaged("it is too short for its number of chunks");
  }
  manifest.chunks.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    ExportChunk chunk = ReadRow(in);
    if (!in.ok()) return Damaged("it ends within chunk " + std::to_string(i));
    RAWKV_RETURN_IF_ERROR(CheckChunk(manifest, chunk));
    manifest.chunks.push_back(std::move(chunk));
  }
  return {};
}

}  // namespace

std::string EncodeExportManifest(const ExportManifest& manifest) {
  RAWKV_CHECK(manifest.chunks.size() <= kMaxChunks, "ChunkWriter cuts no more");
  ByteWriter out;
  out.U32(0);  // flags
  out.U32((manifest.base.has_value() ? kHasBase : 0) | (manifest.digest.has_value() ? kHasDigest : 0));
  out.U64(manifest.chunk_bytes);
  out.U64(manifest.version.value());
  out.U64(manifest.base.value_or(Version()).value());
  out.Raw(AsStringView(manifest.digest.value_or(Sha256Digest{})));
  out.U64(manifest.key_count);
  out.U64(manifest.value_bytes);
  out.U32(static_cast<uint32_t>(manifest.chunks.size()));
  for (const ExportChunk& chunk : manifest.chunks) WriteRow(out, chunk);
  return Seal(kManifestKind, out.str());
}

Result<ExportManifest> DecodeExportManifest(std::string_view file) {
  RAWKV_ASSIGN_OR_RETURN(const std::string payload, Unseal(kManifestKind, file));
  ByteReader in(payload);
  if (const uint32_t flags = in.U32(); in.ok() && flags != 0) return UnknownFlags("export manifest", flags);
  const uint32_t present = in.U32();
  if ((present & ~(kHasBase | kHasDigest)) != 0) return UnknownFlags("export manifest", present);

  ExportManifest manifest;
  manifest.chunk_bytes = in.U64();
  manifest.version = Version(in.U64());
  const Version base(in.U64());
  const Sha256Digest digest = ReadDigest(in);
  manifest.key_count = in.U64();
  manifest.value_bytes = in.U64();
  if (!in.ok()) return Damaged("it is shorter than its fixed part");
  if (manifest.version > kMaxVersion) return Damaged("its version is out of range");
  if (manifest.chunk_bytes < kMinChunkBytes || manifest.chunk_bytes > kMaxChunkBytes) {
    return Damaged("its chunk_bytes of " + std::to_string(manifest.chunk_bytes) + " is out of range");
  }
  if ((present & kHasBase) != 0) manifest.base = base;
  if ((present & kHasDigest) != 0) manifest.digest = digest;
  // Absent fields must be zero, so that one content has one encoding.
  if (!manifest.base.has_value() && base != Version())
    return Damaged("it has a base, but its flag for the base is not set");
  if (!manifest.digest.has_value() && digest != Sha256Digest{}) {
    return Damaged("it has a digest, but its flag for the digest is not set");
  }
  if (manifest.base.has_value() && base > manifest.version) {
    return Damaged("its base " + ToString(base) + " is above its version " + ToString(manifest.version));
  }
  RAWKV_RETURN_IF_ERROR(ReadChunks(in, manifest));
  if (!in.AtEnd()) return Damaged("bytes follow its last chunk");
  if (manifest.chunks.empty() && (manifest.key_count != 0 || manifest.value_bytes != 0)) {
    return Damaged("it counts keys and has no chunk");
  }
  return manifest;
}

std::string EncodeExportOrigin(const ExportOrigin& origin) {
  ByteWriter out;
  out.U32(origin.commit ? kOriginHasCommit : 0);
  out.Id(origin.store_uuid);
  out.U64(origin.lineage.value());
  out.U64(origin.created_unix_ms);
  if (origin.commit) {
    out.U64(origin.commit->version.value());
    out.U64(origin.commit->time_unix_ms);
    out.Blob(origin.commit->metadata);
  }
  return Seal(kOriginKind, out.str());
}

Result<ExportOrigin> DecodeExportOrigin(std::string_view file) {
  RAWKV_ASSIGN_OR_RETURN(const std::string payload, Unseal(kOriginKind, file));
  ByteReader in(payload);
  const uint32_t flags = in.U32();
  if (in.ok() && (flags & ~kOriginHasCommit) != 0) return UnknownFlags("ORIGIN", flags);
  ExportOrigin origin;
  origin.store_uuid = in.Id();
  origin.lineage = Lineage(in.U64());
  origin.created_unix_ms = in.U64();
  if ((flags & kOriginHasCommit) != 0) {
    ExportedCommit& commit = origin.commit.emplace();
    commit.version = Version(in.U64());
    commit.time_unix_ms = in.U64();
    commit.metadata = in.Blob();
  }
  if (!in.AtEnd()) return Status::Corruption("ORIGIN is damaged: its length does not match its fields");
  if (origin.commit && origin.commit->metadata.size() > kMaxUserMetadataBytes) {
    return Status::Corruption("ORIGIN is damaged: its metadata is too long");
  }
  return origin;
}

std::string EncodeExportIdentity(const ExportIdentity& identity) {
  ByteWriter out;
  out.U32(0);  // flags
  out.Id(identity.store_uuid);
  out.U64(identity.lineage.value());
  out.U64(identity.version.value());
  out.U64(identity.chunk_bytes);
  return Seal(kIdentityKind, out.str());
}

std::string EncodeExportRow(const ExportChunk& chunk) {
  ByteWriter out;
  WriteRow(out, chunk);
  return Seal(kRowKind, out.str());
}

namespace {

// Takes the sealed block with which `file` begins; absent if it is damaged or cut off.
std::optional<std::string> TakeSealed(const SealedKind& kind, std::string_view& file) {
  constexpr size_t kLengthOffset = 12;
  if (file.size() < kSealedHeaderBytes) return std::nullopt;
  const uint64_t block = kSealedHeaderBytes + LoadLe<uint32_t>(file.data() + kLengthOffset);
  if (block > file.size()) return std::nullopt;
  const Result<std::string> payload = Unseal(kind, file.substr(0, block));
  if (!payload.ok()) return std::nullopt;
  file.remove_prefix(block);
  return *payload;
}

}  // namespace

std::optional<ExportProgress> DecodeExportProgress(std::string_view file) {
  const std::optional<std::string> head = TakeSealed(kIdentityKind, file);
  if (!head) return std::nullopt;
  ByteReader in(*head);
  const uint32_t flags = in.U32();
  ExportManifest found;
  ExportIdentity identity;
  identity.store_uuid = in.Id();
  identity.lineage = Lineage(in.U64());
  identity.version = Version(in.U64());
  identity.chunk_bytes = found.chunk_bytes = in.U64();
  if (!in.AtEnd() || flags != 0) return std::nullopt;
  while (const std::optional<std::string> payload = TakeSealed(kRowKind, file)) {
    ByteReader row(*payload);
    ExportChunk chunk = ReadRow(row);
    if (!row.AtEnd() || !CheckChunk(found, chunk).ok()) break;
    found.chunks.push_back(std::move(chunk));
  }
  return ExportProgress{identity, std::move(found.chunks)};
}

}  // namespace rawkv
