#include "base/sealed_file.h"

#include <limits>

#include "base/byte_codec.h"
#include "base/check.h"
#include "base/checksum.h"
#include "base/fs_ops.h"
#include "base/types.h"

// Layout: docs/formats/sealed-file.md.
namespace rawkv {
namespace {

constexpr uint64_t kMagicBytes = 8;
constexpr uint64_t kFormatOffset = 8;
constexpr uint64_t kLengthOffset = 12;
constexpr uint64_t kChecksumOffset = 16;
static_assert(kFormatOffset == kMagicBytes);
static_assert(kLengthOffset == kFormatOffset + sizeof(uint32_t));
static_assert(kChecksumOffset == kLengthOffset + sizeof(uint32_t));
static_assert(kSealedHeaderBytes == kChecksumOffset + sizeof(uint64_t));

// The checksum of the whole file except the checksum field.
uint64_t Checksum(std::string_view header, std::string_view payload) {
  std::string covered;
  covered.reserve(kChecksumOffset + payload.size());
  covered.append(header.substr(0, kChecksumOffset)).append(payload);
  return Xxh3(AsBytes(covered));
}

void CheckKind(const SealedKind& kind) {
  RAWKV_CHECK(kind.magic.size() == kMagicBytes, "a sealed file's magic has 8 characters");
  RAWKV_CHECK(kind.format > 0, "formats count from 1, so that zeroed bytes are never valid");
  RAWKV_CHECK(kind.max_payload_bytes <= std::numeric_limits<uint32_t>::max(), "the length field is a u32");
}

Status Damaged(const SealedKind& kind, const std::string& how) {
  return Status::Corruption(std::string(kind.name) + " is damaged: " + how);
}

}  // namespace

std::string Seal(const SealedKind& kind, std::string_view payload) {
  CheckKind(kind);
  RAWKV_CHECK(payload.size() <= kind.max_payload_bytes, "payload above its kind's limit");
  ByteWriter out;
  out.Raw(kind.magic);
  out.U32(kind.format);
  out.U32(static_cast<uint32_t>(payload.size()));
  out.U64(Checksum(out.str(), payload));
  out.Raw(payload);
  return out.Take();
}

Result<std::string> Unseal(const SealedKind& kind, std::string_view file) {
  CheckKind(kind);
  if (file.size() < kSealedHeaderBytes) {
    return Damaged(kind, "it has " + std::to_string(file.size()) + " bytes, fewer than its header's " +
                             std::to_string(kSealedHeaderBytes));
  }
  ByteReader in(file);
  if (in.Raw(kMagicBytes) != kind.magic) return Damaged(kind, "it does not begin with its magic");
  const uint32_t format = in.U32();
  const uint32_t length = in.U32();
  const uint64_t expected = in.U64();
  // The length is not trusted yet; it is only compared with the bytes present.
  if (in.remaining() != length) {
    return Damaged(kind, "its header announces " + std::to_string(length) + " payload bytes, but " +
                             std::to_string(in.remaining()) + " follow");
  }
  const std::string_view payload = file.substr(kSealedHeaderBytes);
  const uint64_t actual = Checksum(file, payload);
  if (actual != expected) {
    return Damaged(kind, "checksum " + ToHex(actual) + ", expected " + ToHex(expected));
  }
  if (format > kind.format) {
    return Status::NotSupported(std::string(kind.name) + " format " + std::to_string(format) +
                                " is newer than this build reads (" + std::to_string(kind.format) +
                                "); use a newer rawkv");
  }
  if (format == 0) return Damaged(kind, "format 0 does not exist");
  if (length > kind.max_payload_bytes) {
    return Damaged(kind, std::to_string(length) + " payload bytes, above the limit of " +
                             std::to_string(kind.max_payload_bytes));
  }
  return std::string(payload);
}

Result<std::string> ReadSealedFile(Fs& fs, const std::string& path, const SealedKind& kind) {
  RAWKV_ASSIGN_OR_RETURN(const std::string file,
                         ReadFile(fs, path, kSealedHeaderBytes + kind.max_payload_bytes));
  Result<std::string> payload = Unseal(kind, file);
  if (!payload.ok()) return payload.status().WithContext(path);
  return payload;
}

Status WriteSealedFile(Fs& fs, const std::string& path, const SealedKind& kind, std::string_view payload) {
  if (payload.size() > kind.max_payload_bytes) {
    return Status::InvalidArgument(path + ": " + std::to_string(payload.size()) + " bytes do not fit into " +
                                   std::string(kind.name) + ", which holds at most " +
                                   std::to_string(kind.max_payload_bytes));
  }
  return WriteFileAtomic(fs, path, AsBytes(Seal(kind, payload)));
}

}  // namespace rawkv
