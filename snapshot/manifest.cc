#include "snapshot/manifest.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/wire_format_lite.h>

#include "base/check.h"
#include "base/sealed_file.h"
#include "snapshot/manifest.pb.h"

// Layout: docs/formats/manifest.md. No other file uses the protobuf types.
namespace rawkv {
namespace {

constexpr SealedKind kKind{.magic = "RKVMANIF",
                           .format = kSnapshotFormat,
                           .name = "MANIFEST",
                           .max_payload_bytes = kMaxSnapshotManifestBytes - kSealedHeaderBytes};
constexpr size_t kMaxPathBytes = 4096;

Status Damaged(const std::string& how) {
  return Status::Corruption("MANIFEST is damaged: " + how);
}

// True for plain names separated by single slashes, which cannot lead out of the snapshot directory.
bool IsPlainRelativePath(std::string_view path) {
  if (path.empty() || path.size() > kMaxPathBytes || path.find('\0') != std::string_view::npos) return false;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view name = path.substr(begin, end - begin);
    if (name.empty() || name == "." || name == "..") return false;
    begin = end + 1;
  }
  return true;
}

bool IsChecksum(uint32_t kind, const std::string& checksum) {
  switch (kind) {
    case static_cast<uint32_t>(FileChecksumKind::kXxh3):
      return checksum.size() == 8;
    case static_cast<uint32_t>(FileChecksumKind::kCrc32c):
      return checksum.size() == 4;
    default:
      return false;
  }
}

Result<std::vector<ManifestFile>> DecodeFiles(const snapshot::Manifest& proto) {
  std::vector<ManifestFile> files;
  files.reserve(static_cast<size_t>(proto.files_size()));
  uint64_t total_bytes = 0;
  for (const snapshot::File& file : proto.files()) {
    if (!IsPlainRelativePath(file.path())) {
      return Damaged("file " + std::to_string(files.size()) + " has no plain relative path");
    }
    if (!files.empty() && file.path() <= files.back().path) {
      return Damaged("its files are not in order or not unique at " + file.path());
    }
    if (!IsChecksum(file.checksum_kind(), file.checksum())) {
      return Damaged(file.path() + " has a checksum of kind " + std::to_string(file.checksum_kind()) +
                     " with " + std::to_string(file.checksum().size()) + " bytes");
    }
    if (file.size_bytes() > std::numeric_limits<uint64_t>::max() - total_bytes) {
      return Damaged("its files are larger than any disk");
    }
    total_bytes += file.size_bytes();
    files.push_back({.path = file.path(),
                     .size_bytes = file.size_bytes(),
                     .checksum_kind = static_cast<FileChecksumKind>(file.checksum_kind()),
                     .checksum = file.checksum()});
  }
  return files;
}

// Protobuf's own parser detects a nested message that is longer than its parent only at the end, and
// allocates up to 50 MB for a field by its claimed length. This check comes first, so that damage cannot
// cause such an allocation.
bool IsWellFormed(std::string_view message) {
  if (message.size() > std::numeric_limits<int>::max()) return false;
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const uint8_t*>(message.data()),
                                            static_cast<int>(message.size()));
  return google::protobuf::internal::WireFormatLite::SkipMessage(&in) && in.ConsumedEntireMessage();
}

}  // namespace

std::string EncodeManifest(const Manifest& manifest) {
  snapshot::Manifest proto;
  proto.set_store_uuid(std::string(AsStringView(manifest.store_uuid.bytes)));
  proto.set_version(manifest.version.value());
  proto.set_lineage(manifest.lineage.value());
  proto.set_created_unix_ms(manifest.created_unix_ms);
  if (manifest.digest.has_value()) proto.set_digest(std::string(AsStringView(*manifest.digest)));
  for (const ManifestFile& file : manifest.files) {
    snapshot::File* out = proto.add_files();
    out->set_path(file.path);
    out->set_size_bytes(file.size_bytes);
    out->set_checksum_kind(static_cast<uint32_t>(file.checksum_kind));
    out->set_checksum(file.checksum);
  }
  proto.set_by_log_bytes(manifest.by_log_bytes);

  std::string payload;
  {
    google::protobuf::io::StringOutputStream stream(&payload);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    RAWKV_CHECK(proto.SerializeToCodedStream(&coded), "a message without required fields can be serialised");
  }
  return Seal(kKind, payload);
}

Result<Manifest> DecodeManifest(std::string_view file) {
  RAWKV_ASSIGN_OR_RETURN(const std::string payload, Unseal(kKind, file));
  snapshot::Manifest proto;
  if (!IsWellFormed(payload) || !proto.ParseFromString(payload)) {
    return Damaged("its content is not a protobuf message");
  }
  if (proto.flags() != 0) {
    return Status::NotSupported("MANIFEST has flags " + std::to_string(proto.flags()) +
                                ", which this build does not know; use a newer rawkv");
  }

  Manifest manifest{.store_uuid = {},
                    .version = Version(proto.version()),
                    .lineage = Lineage(proto.lineage()),
                    .created_unix_ms = proto.created_unix_ms(),
                    .digest = {},
                    .files = {},
                    .by_log_bytes = proto.by_log_bytes()};
  if (manifest.version > kMaxVersion) return Damaged("its version is out of range");
  if (proto.store_uuid().size() != manifest.store_uuid.bytes.size()) {
    return Damaged("its store UUID has " + std::to_string(proto.store_uuid().size()) + " bytes");
  }
  std::memcpy(manifest.store_uuid.bytes.data(), proto.store_uuid().data(), proto.store_uuid().size());
  if (proto.has_digest()) {
    Sha256Digest& digest = manifest.digest.emplace();
    if (proto.digest().size() != digest.size()) {
      return Damaged("its digest has " + std::to_string(proto.digest().size()) + " bytes");
    }
    std::memcpy(digest.data(), proto.digest().data(), digest.size());
  }
  RAWKV_ASSIGN_OR_RETURN(manifest.files, DecodeFiles(proto));
  return manifest;
}

}  // namespace rawkv
